"""`autotts plugins`, commands that plugins add, and how light start-up is."""

import json

import pytest

from .conftest import CONTROLLER, HEADER, Environment

COMMAND = """
@hookimpl
def autotts_register_commands(cli):
    @cli.command()
    def NAME():
        "Say hello."
        print("hello from", __name__)
"""


def test_overview_lists_what_works_and_what_does_not(environment: Environment) -> None:
    environment.offer("good-plugin", "wide", version="3.2")
    environment.install("bad-plugin", "import no_such_module")
    done = environment.autotts("plugins")
    assert done.returncode == 0, done.stderr
    [row] = [" ".join(line.split()) for line in done.stdout.splitlines() if " wide " in line]
    assert row == "controller wide Majority of all branches good-plugin 3.2"
    assert (
        "bad-plugin 1.0 (entry point bad_plugin): "
        "ModuleNotFoundError: No module named 'no_such_module'"
    ) in done.stdout
    assert "Traceback" not in done.stdout
    assert 'bad_plugin.py", line 1' in environment.autotts("plugins", "--traceback").stdout


def test_show_gives_docstring_and_options(environment: Environment) -> None:
    environment.offer("good-plugin", "wide")
    done = environment.autotts("plugins", "show", "wide")
    assert done.returncode == 0, done.stderr
    assert "Opens everything at once." in done.stdout
    assert "from good-plugin 1.0: good_plugin." in done.stdout
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "width int 4 >= 1, <= 64 Branches to open." in lines
    assert "stops list[int] []" in lines
    assert "label str" in lines


def test_show_as_json(environment: Environment) -> None:
    environment.offer("good-plugin", "wide")
    [details] = json.loads(environment.autotts("plugins", "show", "wide", "--json").stdout)
    assert (details["kind"], details["distribution"]) == ("controller", "good-plugin")
    assert [option["default"] for option in details["options"]] == ["4", "[]", None]


def test_show_takes_a_kind(environment: Environment) -> None:
    executor = """
@hookimpl
def autotts_register_executors():
    from autotts_core.executor import Executor

    class Pool(Executor):
        name = "wide"
        summary = "Many processes"
        workers = 2

        def map(self, function, shards):
            return iter(())

    return [Pool]
"""
    environment.install("good-plugin", HEADER + CONTROLLER.replace("NAME", "wide") + executor)
    both = environment.autotts("plugins", "show", "wide").stdout
    assert "controller wide" in both
    assert "executor wide" in both
    assert "It has no options." in both
    one = environment.autotts("plugins", "show", "executor:wide").stdout
    assert "controller wide" not in one
    missing = environment.autotts("plugins", "show", "trace-backend:wide")
    assert missing.stderr.startswith("Error: There is no trace backend 'wide'.")


def test_show_of_an_unknown_name(environment: Environment) -> None:
    environment.offer("good-plugin", "zebra-vote")
    done = environment.autotts("plugins", "show", "zebra-vot")
    assert done.returncode == 2
    message = "Error: There is no component 'zebra-vot'. Did you mean 'zebra-vote'?"
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"label": "a", "widht": 2},
            "controller 'wide' has no option 'widht'. Did you mean 'width'?",
        ),
        (
            {"label": "a", "width": "many"},
            "controller 'wide', option 'width': Input should be a valid integer, "
            "unable to parse string as an integer (got 'many')",
        ),
        (
            {"label": "a", "width": 0},
            "controller 'wide', option 'width': Input should be greater than or equal to 1 (got 0)",
        ),
    ],
)
def test_wrong_option(environment: Environment, values: dict[str, object], message: str) -> None:
    environment.offer("good-plugin", "wide")
    done = environment.python(
        "-c",
        "import json, sys\n"
        "from autotts_core import errors, plugins\n"
        "try:\n"
        "    plugins.registry().get('controller', 'wide').configure(json.loads(sys.argv[1]))\n"
        "except errors.OptionError as error:\n"
        "    print(error)\n",
        json.dumps(values),
    )
    assert done.stdout == message + "\n"


def test_command_of_a_plugin_runs(environment: Environment) -> None:
    environment.install("good-plugin", HEADER + COMMAND.replace("NAME", "greet"))
    assert "greet Say hello." in " ".join(environment.autotts("--help").stdout.split())
    assert environment.autotts("greet").stdout == "hello from good_plugin\n"
    assert "greet" in environment.report()["commands"]


def test_command_like_one_of_the_core_is_refused(environment: Environment) -> None:
    environment.install("bad-plugin", HEADER + COMMAND.replace("NAME", "plugins"))
    help_text = environment.autotts("--help").stdout
    assert "Say hello." not in help_text
    assert "Broken: bad-plugin. `autotts plugins` says why." in help_text
    reason = "its command 'plugins' is refused, because AutoTTS has one of that name"
    assert environment.reason("bad-plugin") == reason


def test_command_that_two_plugins_offer_is_refused(environment: Environment) -> None:
    environment.install("first-plugin", HEADER + COMMAND.replace("NAME", "greet"))
    environment.install("second-plugin", HEADER + COMMAND.replace("NAME", "greet"))
    done = environment.autotts("greet")
    assert done.returncode == 2
    reason = "its command 'greet' is refused, because first-plugin and second-plugin both offer it"
    assert f"plugin distribution first-plugin 1.0 is broken: {reason}" in done.stderr
    assert environment.reason("second-plugin") == reason


@pytest.mark.parametrize(
    "source",
    [
        "import no_such_module",
        HEADER + "@hookimpl\ndef autotts_register_commands(cli):\n    1 / 0",
        HEADER + "@hookimpl\ndef autotts_register_commands(cli):\n    cli.commands['x'] = 'y'",
    ],
    ids=["import", "hook", "no command"],
)
def test_broken_plugin_breaks_no_help(environment: Environment, source: str) -> None:
    environment.install("bad-plugin", source)
    environment.install("good-plugin", HEADER + COMMAND.replace("NAME", "greet"))
    done = environment.autotts("--help")
    assert done.returncode == 0
    assert "greet Say hello." in " ".join(done.stdout.split())
    assert "Broken: bad-plugin." in done.stdout


def test_unknown_command_suggests_the_nearest(environment: Environment) -> None:
    done = environment.autotts("evalute")
    assert done.returncode == 2
    assert "There is no command 'evalute'. Did you mean 'evaluate'?" in done.stderr


def test_usage_error(environment: Environment) -> None:
    done = environment.autotts("plugins", "--jsn")
    assert done.returncode == 2
    assert "No such option" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_imports_nothing_heavy(environment: Environment) -> None:
    environment.offer("good-plugin", "wide")
    done = environment.python(
        "-c",
        "import sys\n"
        "from autotts_core.cli import main\n"
        "sys.argv = ['autotts', '--help']\n"
        "try:\n"
        "    main()\n"
        "except SystemExit:\n"
        "    print('LOADED', *sys.modules)\n",
    )
    loaded = set(done.stdout.partition("LOADED")[2].split())
    assert "good_plugin" in loaded
    heavy = {"numba", "numpy", "pyarrow", "pydantic", "rich", "yaml", "autotts_core.cli.plugins"}
    assert not loaded & heavy


def test_core_command_is_resolved_without_plugins(environment: Environment) -> None:
    environment.install("loud-plugin", "print('imported')\nAUTOTTS_CONTRACT = 1")
    assert "imported" not in environment.autotts("plugins", "--help").stdout
    assert "imported" in environment.autotts("--help").stdout
