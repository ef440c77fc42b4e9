"""What may follow `--controller`."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autotts_core import controller_spec
from autotts_core.component import Options
from autotts_core.controller_spec import installed_controller, label, load_controllers
from autotts_core.errors import AutoTTSError, ControllerError, OptionError, UnknownNameError

from .conftest import SOUND, WriteFile

KINDS_OF_OPTIONS = '''
"""Has an option of each kind."""

from typing import Literal

from autotts_core.component import Options as BaseOptions


class Options(BaseOptions):
    whole: int = 1
    real: float = 0.5
    flag: bool = False
    word: str = "a"
    rule: Literal["first", "last"] = "first"
    limit: int | None = 3


def schedule(beta, options):
    return {"whole": options.whole}


def policy(episode, p):
    return -1
'''


def labels(spec: object) -> list[str]:
    return [label(controller) for controller in load_controllers(str(spec))]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("asc", ["asc"]),
        ("  asc ", ["asc"]),
        ("parallel-probe:warm_up=3", ["parallel-probe(warm_up=3)"]),
        ("asc:max_branches=64", ["asc"]),
        ("asc:max_branches=16,32", ["asc(max_branches=16)", "asc(max_branches=32)"]),
        ("asc: max_branches = 16 , 32", ["asc(max_branches=16)", "asc(max_branches=32)"]),
        (
            "asc:threshold=0.9,1e-1,max_branches=16,8",
            [
                "asc(max_branches=16, threshold=0.9)",
                "asc(max_branches=8, threshold=0.9)",
                "asc(max_branches=16, threshold=0.1)",
                "asc(max_branches=8, threshold=0.1)",
            ],
        ),
    ],
)
def test_installed_controllers(spec: str, expected: list[str]) -> None:
    assert labels(spec) == expected


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ("whole=-7", {"whole": -7}),
        ("real=2", {"real": 2.0}),
        ("real=1e-3", {"real": 0.001}),
        ("real=2.5e3", {"real": 2500.0}),
        ("flag=true", {"flag": True}),
        ("flag=False", {"flag": False}),
        ("word=b", {"word": "b"}),
        ("word=b=c", {"word": "b=c"}),
        ("word='7'", {"word": "7"}),
        ("word=a:b", {"word": "a:b"}),
        ("rule=last", {"rule": "last"}),
        ("limit=null", {"limit": None}),
    ],
)
def test_values(write_file: WriteFile, options: str, values: dict[str, Any]) -> None:
    (controller,) = load_controllers(f"{write_file(KINDS_OF_OPTIONS)}:{options}")
    for key, value in values.items():
        found = getattr(controller.options, key)
        assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "options", ["whole=1.0", "whole=true", "whole='1'", "flag=1", "word=7", "rule=next", "real=x"]
)
def test_values_of_another_type_are_refused(write_file: WriteFile, options: str) -> None:
    with pytest.raises(OptionError, match=f"'mine', option '{options.partition('=')[0]}': Input"):
        load_controllers(f"{write_file(KINDS_OF_OPTIONS)}:{options}")


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("", ControllerError, "names no controller. A controller is NAME"),
        (":width=3", ControllerError, "names no controller"),
        ("acs", UnknownNameError, "Did you mean 'asc'?"),
        ("asc,", UnknownNameError, "Did you mean 'asc'?"),
        ("asc:max_brances=3", OptionError, "Did you mean 'max_branches'?"),
        ("asc:max_branches=0", OptionError, "option 'max_branches': Input should be greater"),
        ("asc:", OptionError, "nothing follows the colon"),
        ("asc:16", OptionError, "'16' has no key: write key=value"),
        ("asc:=16", OptionError, "'=16' has no key"),
        ("asc:max_branches=", OptionError, "'max_branches' has no value"),
        ("asc:,max_branches=16", OptionError, "a comma too many"),
        ("asc:max_branches=16,", OptionError, "a comma too many"),
        ("asc:max_branches=16,,32", OptionError, "a comma too many"),
        ("asc:threshold=0.9,threshold=1", OptionError, "write threshold=value,value"),
        ("asc:max_branches=[16,32]", OptionError, "'[16' is no value for 'max_branches'"),
        ("asc:max_branches={a: 1}", OptionError, "'{a: 1}' is no value for 'max_branches'"),
        ("ideas/mine", ControllerError, "the name of a controller file ends in .py"),
        ("legacy:method.py", ControllerError, "the form legacy:path/to/method.py:ClassName"),
    ],
)
def test_mistakes(spec: str, error: type[AutoTTSError], message: str) -> None:
    with pytest.raises(error) as caught:
        load_controllers(spec)
    assert message in str(caught.value)


def test_a_file_takes_options_and_sweeps(write_file: WriteFile) -> None:
    path = write_file(KINDS_OF_OPTIONS)
    assert labels(f"{path}:whole=2,3,word=b") == [
        "mine(whole=2, word='b')",
        "mine(whole=3, word='b')",
    ]


def test_a_file_without_options_refuses_them(write_file: WriteFile) -> None:
    with pytest.raises(OptionError, match="'mine' has no option 'width'"):
        load_controllers(f"{write_file(SOUND)}:width=3")


def test_a_path_may_hold_colons_and_need_not_hold_a_slash(
    tmp_path: Path, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "10:30").mkdir()
    assert labels(write_file(SOUND, "10:30/mine.py")) == ["mine"]
    monkeypatch.chdir(tmp_path / "10:30")
    assert labels("mine.py") == ["mine"]


def test_required_options_are_in_the_label(write_file: WriteFile) -> None:
    path = write_file(KINDS_OF_OPTIONS.replace("whole: int = 1", "whole: int"))
    assert labels(f"{path}:whole=1") == ["mine(whole=1)"]


def test_options_made_by_a_factory_are_compared_with_what_it_makes(write_file: WriteFile) -> None:
    (controller,) = load_controllers(str(write_file(KINDS_OF_OPTIONS)))
    assert isinstance(controller.options, Options)
    source = KINDS_OF_OPTIONS.replace('str = "a"', "str = Field(default_factory=str)")
    source = source.replace("from typing", "from pydantic import Field\nfrom typing")
    assert labels(f"{write_file(source)}:word=''") == ["mine"]


def test_released_programs_are_loaded_with_their_config(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Path, str, dict[str, Any]]] = []

    def load_legacy(path: Path, class_name: str, config: dict[str, Any]) -> Any:
        calls.append((path, class_name, config))
        return ModuleType("a stand-in")

    monkeypatch.setattr(controller_spec, "load_legacy", load_legacy)
    assert len(load_controllers("legacy:some/method.py:Solver")) == 1
    load_controllers("legacy:method.py:Solver:n=2,4,rule=majority")
    assert calls == [
        (Path("some/method.py"), "Solver", {}),
        (Path("method.py"), "Solver", {"n": 2, "rule": "majority"}),
        (Path("method.py"), "Solver", {"n": 4, "rule": "majority"}),
    ]


def test_a_released_program_is_labelled_by_its_config(write_file: WriteFile) -> None:
    path = write_file("class Solver:\n    def solve(self, question): ...\n")
    assert labels(f"legacy:{path}:Solver:n=2,4") == [
        "legacy:Solver(n=2)",
        "legacy:Solver(n=4)",
    ]


def test_nothing_is_left_behind_by_a_file_that_fails(write_file: WriteFile) -> None:
    before = set(sys.modules)
    with pytest.raises(ControllerError):
        load_controllers(str(write_file("import no_such_module")))
    assert {name for name in set(sys.modules) - before if "controller_file" in name} == set()


def test_strangers_may_name_what_is_installed_and_nothing_else(write_file: WriteFile) -> None:
    mine = write_file(SOUND, "mine.py")
    assert label(installed_controller("asc", "max_branches=8")) == "asc(max_branches=8)"
    assert label(installed_controller("asc")) == "asc"
    for name in (str(mine), "mine.py", f"legacy:{mine}:Class", ""):
        with pytest.raises(UnknownNameError):
            installed_controller(name)
    with pytest.raises(OptionError, match="'max_branches' has several values"):
        installed_controller("asc", "max_branches=8,16")
