"""Whatever a plugin does wrong, it is told in plain words and harms no other plugin."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import CONTROLLER, HEADER, Environment

Lookup = Callable[[str], str]

FAULTS = {
    "import-error": (
        "import no_such_module",
        "ModuleNotFoundError: No module named 'no_such_module'",
    ),
    "exit-at-import": ("raise SystemExit('no licence')", "SystemExit: no licence"),
    "syntax-error": ("def f(:", "SyntaxError: invalid syntax"),
    "no-contract": (
        "from autotts_core.hookspecs import hookimpl\n" + CONTROLLER,
        "no_contract has no number AUTOTTS_CONTRACT: it must say which contract it was built for",
    ),
    "newer-contract": (
        "AUTOTTS_CONTRACT = 3",
        "built for contract 3, this autotts-core speaks 1: upgrade autotts-core",
    ),
    "older-contract": (
        "AUTOTTS_CONTRACT = 0",
        "built for contract 0, this autotts-core speaks 1: upgrade older-contract",
    ),
    "wrong-signature": (
        HEADER + "@hookimpl\ndef autotts_run_started(run, when): pass",
        "Argument(s) {'when'} are declared in the hookimpl but can not be found in the hookspec",
    ),
    "unknown-hook": (
        HEADER + "@hookimpl\ndef autotts_register_controler(): return []",
        "there is no hook 'autotts_register_controler'. "
        "Did you mean 'autotts_register_controllers'?",
    ),
    "undecorated-hook": (
        HEADER + "def autotts_register_controllers(): return []",
        "autotts_register_controllers is never called: it lacks the decorator @hookimpl",
    ),
    "hook-raises": (
        HEADER + "@hookimpl\ndef autotts_register_controllers():\n    1 / 0",
        "ZeroDivisionError: division by zero",
    ),
    "hook-exits": (
        HEADER + "@hookimpl\ndef autotts_register_controllers():\n    raise SystemExit",
        "SystemExit",
    ),
    "hook-returns-nothing": (
        HEADER + "@hookimpl\ndef autotts_register_controllers(): pass",
        "autotts_register_controllers must return a list of Controller classes, got None",
    ),
    "hook-returns-something-else": (
        HEADER + "@hookimpl\ndef autotts_register_controllers(): return [int]",
        "autotts_register_controllers returned <class 'int'>, which is no subclass of Controller",
    ),
    "hook-returns-the-base-class": (
        HEADER
        + "@hookimpl\ndef autotts_register_controllers():\n"
        + "    from autotts_core.controller import Controller\n    return [Controller]",
        "which is no subclass of Controller",
    ),
    "class-without-summary": (
        HEADER + CONTROLLER.replace("summary =", "notes ="),
        "Wide.summary must be one line of text, it is None",
    ),
    "class-without-name": (
        HEADER + CONTROLLER.replace("name =", "title ="),
        "Wide.name must be one line of text, it is None",
    ),
    "class-without-policy": (
        HEADER + CONTROLLER.replace("def policy", "def policies"),
        "Wide does not implement policy",
    ),
    "options-that-are-no-model": (
        HEADER + CONTROLLER.replace("WideOptions(Options)", "WideOptions"),
        "Wide.Options must be a subclass of component.Options",
    ),
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of an environment with every faulty plugin at once, and a good one."""
    environment = Environment(tmp_path_factory.mktemp("faulty"))
    for name, (source, _) in FAULTS.items():
        environment.install(name, source)
    environment.offer("good-plugin", "wide")
    return environment.report()


@pytest.mark.parametrize(("name", "reason"), [(name, why) for name, (_, why) in FAULTS.items()])
def test_fault_is_listed_with_its_reason(faulty: dict[str, Any], name: str, reason: str) -> None:
    [found] = [broken["reason"] for broken in faulty["broken"] if broken["distribution"] == name]
    assert reason in found


def test_good_plugin_works_beside_all_faulty_ones(faulty: dict[str, Any]) -> None:
    assert "wide" in {component["name"] for component in faulty["components"]}
    assert faulty["clashes"] == []


def test_unknown_name_suggests_the_nearest(environment: Environment, lookup: Lookup) -> None:
    environment.offer("good-plugin", "zebra-vote")
    assert lookup("zebra-vote") == "found"
    message = lookup("zebra-vot")
    assert message.startswith("UnknownNameError There is no controller 'zebra-vot'.")
    assert "Did you mean 'zebra-vote'?" in message


def test_unknown_name_tells_of_broken_plugins(environment: Environment, lookup: Lookup) -> None:
    environment.install("bad-plugin", "import no_such_module", version="2.1")
    assert (
        "plugin distribution bad-plugin 2.1 is broken: "
        "ModuleNotFoundError: No module named 'no_such_module'; `autotts plugins` shows more"
    ) in lookup("anything")


def test_plugin_broken_for_another_kind_is_not_blamed(
    environment: Environment, lookup: Lookup
) -> None:
    raising = "@hookimpl\ndef autotts_register_explorers():\n    1 / 0"
    environment.install("half-plugin", HEADER + CONTROLLER.replace("NAME", "wide") + raising)
    assert lookup("wide") == "found"
    assert environment.reason("half-plugin") == "ZeroDivisionError: division by zero"
    done = environment.python(
        "-c",
        "from autotts_core import plugins\n"
        "registry = plugins.registry()\n"
        "registry.all('explorer')\n"
        "registry.get('controller', 'anything')\n",
    )
    assert "There is no controller 'anything'" in done.stderr
    assert "half-plugin" not in done.stderr


def test_clash_names_both_and_leaves_the_rest(environment: Environment, lookup: Lookup) -> None:
    environment.offer("first-plugin", "wide", version="1.0")
    environment.offer("second-plugin", "wide", version="2.0")
    environment.offer("third-plugin", "narrow")
    message = lookup("wide")
    assert message.startswith("PluginError controller 'wide' is offered by first-plugin 1.0 (")
    assert "and second-plugin 2.0 (second_plugin." in message
    assert "uninstall one, or choose the plugins that load with AUTOTTS_PLUGINS" in message
    assert lookup("narrow") == "found"
    [clash] = environment.report()["clashes"]
    assert [offer["distribution"] for offer in clash] == ["first-plugin", "second-plugin"]
    assert message.removeprefix("PluginError ") in environment.autotts("plugins").stdout


def test_restriction_decides_a_clash(environment: Environment, lookup: Lookup) -> None:
    environment.offer("first-plugin", "wide")
    environment.offer("second-plugin", "wide")
    environment.variables["AUTOTTS_PLUGINS"] = "second_plugin, other"
    assert lookup("wide") == "found"
    assert environment.report()["distributions"] == {"second-plugin": "1.0"}


def test_empty_restriction_loads_nothing(environment: Environment, lookup: Lookup) -> None:
    environment.offer("good-plugin", "wide")
    environment.variables["AUTOTTS_PLUGINS"] = ""
    message = lookup("wide")
    assert "There is no controller 'wide'. None is installed." in message
    assert "AUTOTTS_PLUGINS restricts the plugins that load to: none." in message


def test_strict_makes_a_broken_plugin_everybodys_error(
    environment: Environment, lookup: Lookup
) -> None:
    environment.install("bad-plugin", "import no_such_module")
    environment.offer("good-plugin", "wide")
    assert lookup("wide") == "found"
    environment.variables["AUTOTTS_STRICT_PLUGINS"] = "1"
    message = lookup("wide")
    assert message.startswith("PluginError plugin distribution bad-plugin 1.0 is broken: ")
    assert "(an error because AUTOTTS_STRICT_PLUGINS is set)" in message
    listing = environment.autotts("plugins")
    assert listing.returncode == 2
    assert "No module named 'no_such_module'" in listing.stdout
    assert environment.autotts("--help").returncode == 0


def test_interrupt_is_not_swallowed(environment: Environment) -> None:
    environment.install("bad-plugin", "raise KeyboardInterrupt")
    done = environment.autotts("plugins")
    assert done.returncode != 0
    assert "Broken" not in done.stdout


@pytest.mark.parametrize("line", ["no equals sign", "stranger = no_such_module"])
def test_damaged_metadata_of_a_stranger_is_passed_over(environment: Environment, line: str) -> None:
    # There is no METADATA file either.
    stranger = environment.directory / "stranger-1.0.dist-info"
    stranger.mkdir()
    (stranger / "entry_points.txt").write_text(f"[autotts]\n{line}\n")
    environment.offer("good-plugin", "wide")
    done = environment.python(
        "-c", "from autotts_core import plugins\nprint(plugins.registry().distributions())"
    )
    assert "'good-plugin': '1.0'" in done.stdout


def test_hook_calls_are_printed_on_request(environment: Environment) -> None:
    environment.offer("good-plugin", "wide")
    environment.variables["AUTOTTS_TRACE_HOOKS"] = "1"
    trace = environment.autotts("plugins").stderr
    assert "autotts hook autotts_register_controllers(): good-plugin:good_plugin" in trace
    assert "autotts hook autotts_register_controllers returned [[<class 'good_plugin." in trace


def test_only_the_kind_asked_for_is_registered(environment: Environment) -> None:
    environment.offer("good-plugin", "wide")
    environment.variables["AUTOTTS_TRACE_HOOKS"] = "1"
    done = environment.python(
        "-c",
        "import sys\n"
        "from autotts_core import plugins\n"
        "registry = plugins.registry()\n"
        "print('good_plugin' in sys.modules)\n"
        "registry.all('explorer')\n"
        "print('good_plugin' in sys.modules)\n",
    )
    assert done.stdout.split() == ["False", "True"]
    assert "autotts_register_controllers" not in done.stderr


def test_listener_that_raises_is_a_warning(environment: Environment) -> None:
    listener = "@hookimpl\ndef autotts_run_finished(run): "
    environment.install("bad-plugin", HEADER + listener + "raise SystemExit('tracker is down')")
    environment.install("good-plugin", HEADER + listener + "print('heard of', run)")
    done = environment.python(
        "-c",
        "from pathlib import Path\n"
        "from autotts_core import plugins\n"
        "plugins.registry().notify('autotts_run_finished', run=Path('runs/7'))\n",
    )
    assert done.returncode == 0
    assert done.stdout == "heard of runs/7\n"
    assert done.stderr == (
        "plugin distribution bad-plugin failed in autotts_run_finished: "
        "SystemExit: tracker is down\n"
    )
