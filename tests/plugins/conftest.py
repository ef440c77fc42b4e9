"""Plugins that exist for one test: real distributions in a directory on PYTHONPATH."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autotts_core.testing import install_distribution

HEADER = """
from autotts_core.hookspecs import hookimpl

AUTOTTS_CONTRACT = 1
"""

CONTROLLER = """
@hookimpl
def autotts_register_controllers():
    from pydantic import Field
    from autotts_core.component import Options
    from autotts_core.controller import Controller

    class WideOptions(Options):
        width: int = Field(default=4, ge=1, le=64, description="Branches to open.")
        stops: list[int] = []
        label: str

    class Wide(Controller):
        \"\"\"Opens everything at once.\"\"\"

        name = "NAME"
        summary = "Majority of all branches"
        Options = WideOptions

        def schedule(self, beta):
            return {"width": self.options.width}

        @staticmethod
        def policy(episode, p):
            return -1

    return [Wide]
"""


class Environment:
    """A directory of installed plugins, and programs that run with it on their path."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.variables: dict[str, str] = {}

    def install(self, name: str, source: str, version: str = "1.0") -> None:
        """Install a plugin with one module, whose entry point is called like the module."""
        module = name.replace("-", "_")
        install_distribution(
            self.directory, name, version, {f"{module}.py": source}, {module: module}
        )

    def offer(self, name: str, controller: str, version: str = "1.0") -> None:
        """Install a plugin that offers one working controller."""
        self.install(name, HEADER + CONTROLLER.replace("NAME", controller), version)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("AUTOTTS_")}
        return subprocess.run(
            [sys.executable, *arguments],
            env=clean | {"PYTHONPATH": str(self.directory), "COLUMNS": "200"} | self.variables,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def autotts(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "autotts_core", *arguments)

    def report(self) -> dict[str, Any]:
        """What `autotts plugins --json` prints."""
        done = self.autotts("plugins", "--json")
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def reason(self, distribution: str) -> str:
        """Why the plugin is broken, according to `autotts plugins --json`."""
        [broken] = [b for b in self.report()["broken"] if b["distribution"] == distribution]
        return str(broken["reason"])

    def names(self) -> set[str]:
        """The names of all components that can be got."""
        return {component["name"] for component in self.report()["components"]}


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


@pytest.fixture
def lookup(environment: Environment) -> Callable[[str], str]:
    """The error message when a controller is looked up by name, `found` if there is none."""

    def look_up(name: str) -> str:
        done = environment.python(
            "-c",
            "import sys\n"
            "from autotts_core import errors, plugins\n"
            "try:\n"
            "    plugins.registry().get('controller', sys.argv[1])\n"
            "    print('found')\n"
            "except errors.AutoTTSError as error:\n"
            "    print(type(error).__name__, error)\n",
            name,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return look_up
