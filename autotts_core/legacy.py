"""Programs of the implementation released with arXiv 2605.08083, run unchanged.

Such a program is a class with `solve(question)` that reads answers as strings through
`question.probe_new()`, `probe_more(i)` and `get_new_branch_final_answer()`. It is interpreted
over the same `Episode` as any controller, so its tokens are charged in the same way.
"""

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, ClassVar, get_args, get_type_hints

from autotts_core.controller import Controller, Params
from autotts_core.episode import Episode
from autotts_core.errors import ControllerError, nearest
from autotts_core.replay.interpreted_episode import InterpretedEpisode


class LegacyQuestion:
    """The question object that a released program is written against."""

    def __init__(self, episode: InterpretedEpisode) -> None:
        self._episode = episode
        self.probe_freq = episode.interval_tokens

    def probe_new(self) -> tuple[str, int, bool]:
        """Open a branch: (its answer after one interval, its index, whether it is finished)."""
        i = self._episode.branch()
        if i < 0:
            raise ValueError("Index out of range for branches.")
        return self._text(i), i, self._episode.finished(i)

    def probe_more(self, index: int) -> tuple[str, bool]:
        """Advance a branch by one interval: (its answer now, whether it is finished)."""
        if not 0 <= index < self._episode.branches:
            raise ValueError("Index out of range for branches.")
        self._episode.advance(index)
        return self._text(index), self._episode.finished(index)

    def get_new_branch_final_answer(self) -> str:
        """Read a new branch to its end."""
        i = self._episode.read()
        if i < 0:
            raise IndexError("list index out of range")
        return self._text(i)

    def get_cost_per_branch_active(self) -> list[int]:
        """Tokens charged for each open branch."""
        return [self._episode.tokens(i) for i in range(self._episode.branches)]

    def get_seq_and_total_tokens(self) -> tuple[int, int]:
        """(tokens of the longest open branch, tokens of all)."""
        tokens = self.get_cost_per_branch_active()
        return max(tokens, default=0), sum(tokens)

    def _text(self, i: int) -> str:
        return self._episode.text(self._episode.answer(i))


class LegacyController(Controller):
    """A released program as a controller, which only interpreted replay can run."""

    summary: ClassVar[str] = "A program of the released implementation"
    program: ClassVar[type[Any]]
    config_class: ClassVar[type[Any] | None]
    path: ClassVar[Path]

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = dict(config)

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process has to load the program's file first.
        return load_legacy, (self.path, self.program.__name__, self.config)

    def schedule(self, beta: float) -> Params:
        """β alone, where the program has a place for it and its config does not fix it."""
        accepted = inspect.signature(self.config_class or self.program).parameters
        takes_beta = "beta" in accepted or "config" in accepted
        return {"beta": beta} if takes_beta and "beta" not in self.config else {}

    @staticmethod
    def policy(episode: Episode, p: Any) -> int:
        raise NotImplementedError("a released program answers by solve")

    def solve(self, episode: InterpretedEpisode, p: Any) -> tuple[int, int]:
        """Run the program on one episode: (answer id, 0), the only way for it to stop."""
        values = {**self.config, **p._asdict()}
        if self.config_class:
            program = self.program(config=self.config_class(**values))
        elif "config" in inspect.signature(self.program).parameters:
            program = self.program(config=values)
        else:
            program = self.program(**values)
        answer = program.solve(LegacyQuestion(episode))
        if answer is None or answer == "":
            return -1, 0
        texts = [episode.text(k) for k in range(len(episode.revealed))]
        if answer not in texts:
            raise ValueError(f"returned {answer!r}, which this episode never revealed")
        return texts.index(answer), 0


def _config_class(program: type[Any]) -> type[Any] | None:
    """The data class that the program's parameter `config` is annotated with, if it is."""
    try:
        hint = get_type_hints(program.__init__).get("config")
    except NameError:
        # An annotation need not name anything that is there.
        return None
    kinds = [kind for kind in (hint, *get_args(hint)) if isinstance(kind, type)]
    return next(filter(is_dataclass, kinds), None)


def load_legacy(path: Path, class_name: str, config: Mapping[str, Any]) -> Controller:
    """The class `class_name` of the released program in `path`, with its `config`.

    Its folder is importable while it is loaded, as the program expects. Raises
    `ControllerError` where the file or the class is missing, or loading fails.
    """
    if not path.is_file():
        raise ControllerError(f"{path}: no such file")
    name = f"autotts_legacy_{hashlib.sha256(bytes(path.resolve())).hexdigest()[:16]}"
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        sys.modules[name] = module
        specification.loader.exec_module(module)
    except Exception as error:
        raise ControllerError(f"{path}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(folder)
    classes = {
        key: value
        for key, value in vars(module).items()
        if inspect.isclass(value) and callable(getattr(value, "solve", None))
    }
    if class_name not in classes:
        raise ControllerError(
            f"{path} has no class {class_name!r} with a method solve(question). "
            f"{nearest(class_name, classes)}"
        )
    program = classes[class_name]
    attributes = {
        "name": f"legacy:{class_name}",
        "program": program,
        "config_class": _config_class(program),
        "path": path,
    }
    controller: LegacyController = type(class_name, (LegacyController,), attributes)(config)
    return controller
