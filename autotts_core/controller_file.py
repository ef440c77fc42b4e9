"""Controller files: a controller as one plain Python file.

A docstring whose first line is the summary, the functions `schedule(beta)` and
`policy(episode, p)`, and what they call. `INCREASING` and `DECREASING`, if given, name the
parameters that never fall, or never rise, as β grows. A subclass of
`autotts_core.component.Options` called `Options` gives it options, and `schedule` then takes
`(beta, options)`. A file may instead define one subclass of `Controller`. In either case the
controller is called like the file.
"""

import ast
import functools
import hashlib
import importlib.util
import inspect
import io
import linecache
import os
import re
import sys
import traceback
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from autotts_core.component import Options
from autotts_core.controller import Controller, Params
from autotts_core.errors import ControllerError, nearest


def load_controller_file(path: Path) -> type[Controller]:
    """The controller class of a controller file (see the module's docstring).

    The same content at the same path gives the same class; a file that changed gives another
    one, and the old one still works. Raises `ControllerError` with file and line.
    """
    path = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 (links keep their names)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        files = [file.name for file in path.parent.glob("*.py")]
        hint = nearest(path.name, files) if files else f"No .py file is in {path.parent}."
        raise ControllerError(f"{path}: there is no such file. {hint}") from None
    except OSError as error:
        raise ControllerError(f"{path}: cannot be read ({error.strerror}).") from None
    try:
        source = importlib.util.decode_source(content)
    except (SyntaxError, ValueError) as error:
        raise ControllerError(f"{path}: is not readable as Python source: {error}") from None
    return _class_in(path, source)


def load_controller_source(source: str, name: str) -> type[Controller]:
    """The controller class of a controller file's text; the controller is called `name`.

    The text is taken as it stands, whatever encoding a comment in it declares.
    """
    return _class_in(Path(f"{name}.py"), re.sub("\r\n?", "\n", source))


@functools.cache
def _class_in(path: Path, source: str) -> type[Controller]:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        line = f":{error.lineno}" if error.lineno else ""
        code = f": {error.text.strip()}" if error.text else ""
        raise ControllerError(f"{path}{line}: {error.msg}{code}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ControllerError(f"{path}: is not readable as Python source: {error}") from None

    content = source.encode(errors="surrogatepass")
    digest = hashlib.sha256(bytes(path) + b"\0" + content).hexdigest()
    module = ModuleType(f"controller_file_{digest[:16]}")
    module.__file__ = str(path)
    if str(path) in _shown:
        # An older version is in use: each has to find its own lines.
        module.__file__ = f"{path} ({digest[:8]})"
    # No time stamp, so that the lines stay what they were when the file changes.
    lines = io.StringIO(source).readlines()
    linecache.cache[module.__file__] = (len(content), None, lines, module.__file__)
    sys.modules[module.__name__] = module
    try:
        _execute(path, module, tree)
        cls = _ControllerFile(path, module, tree).controller_class()
    except BaseException:
        del sys.modules[module.__name__]
        del linecache.cache[module.__file__]
        raise
    _shown.add(module.__file__)

    def reduce(self: Controller) -> tuple[Any, ...]:
        return _unpickle, (path, source, self.options.model_dump())

    cls.__reduce__ = reduce  # type: ignore[assignment]
    return cls


def _unpickle(path: Path, source: str, values: dict[str, Any]) -> Controller:
    # Another process has to load the file first, as it was.
    return _class_in(path, source).configure(values)


_shown: set[str] = set()
"""The file names under which loaded controllers find their source."""


def _execute(path: Path, module: ModuleType, tree: ast.Module) -> None:
    filename = str(module.__file__)
    try:
        exec(compile(tree, filename, "exec", dont_inherit=True), vars(module))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        stack = traceback.extract_tb(error.__traceback__)
        here = [frame for frame in stack if frame.filename == filename]
        # Compiling finds some syntax errors that parsing does not.
        line = here[-1].lineno if here else getattr(error, "lineno", 1)
        code = f": {here[-1].line}" if here else ""
        raise ControllerError(f"{path}:{line}: {type(error).__name__}: {error}{code}") from None


class _ControllerFile:
    """A controller file that was executed, and the class that it makes."""

    def __init__(self, path: Path, module: ModuleType, tree: ast.Module) -> None:
        self.path = path
        self.module = module
        self.lines = _lines_of_names(tree.body)

    def controller_class(self) -> type[Controller]:
        """The one class that the file defines, else one that is made of its functions."""
        classes = {
            name: value
            for name, value in vars(self.module).items()
            if isinstance(value, type) and issubclass(value, Controller) and self._is_own(value)
        }
        if len(set(classes.values())) > 1:
            found = ", ".join(f"{name} (line {self.lines.get(name)})" for name in classes)
            raise ControllerError(f"{self.path}: defines several controllers, {found}: keep one.")
        if not classes:
            return self._made_of_functions()
        name, cls = next(iter(classes.items()))
        if "policy" in self.lines:
            raise self._fault(
                "policy", f"is a controller beside the class {name}: keep one of them"
            )
        return self._named(name, cls)

    def _named(self, name: str, cls: type[Controller]) -> type[Controller]:
        missing = sorted(getattr(cls, "__abstractmethods__", ()))
        if missing:
            raise self._fault(name, f"does not implement {' and '.join(missing)}")
        self._check(f"{name}.schedule", cls.schedule, ("self", "beta"))
        self._check(f"{name}.policy", cls.policy, ("episode", "p"))
        cls.name = self.path.stem
        cls.summary = getattr(cls, "summary", "") or self._summary(cls.__doc__)
        return cls

    def _made_of_functions(self) -> type[Controller]:
        options = self._options()
        takes_options = options is not Options
        schedule = self._function("schedule", ("beta", "options") if takes_options else ("beta",))
        policy = self._function("policy", ("episode", "p"))

        # `wraps`, so that who asks for the source of `schedule` gets the file's.
        @functools.wraps(schedule)
        def schedule_method(self: Controller, beta: float) -> Params:
            params: Params = schedule(beta, self.options) if takes_options else schedule(beta)
            return params

        made: type[Controller] = type(
            self.path.stem,
            (Controller,),
            {
                "__doc__": self.module.__doc__,
                "__module__": self.module.__name__,
                "name": self.path.stem,
                "summary": self._summary(self.module.__doc__),
                "Options": options,
                "increasing": self._parameter_names("INCREASING"),
                "decreasing": self._parameter_names("DECREASING"),
                "schedule": schedule_method,
                "policy": staticmethod(policy),
            },
        )
        return made

    def _function(self, name: str, parameters: tuple[str, ...]) -> FunctionType:
        form = f"{name}({', '.join(parameters)})"
        if not hasattr(self.module, name):
            functions = [
                f"{defined} (line {line})"
                for defined, line in self.lines.items()
                if isinstance(getattr(self.module, defined, None), FunctionType)
            ]
            raise ControllerError(
                f"{self.path}: there is no function {form}. A controller file defines "
                "schedule(beta) and policy(episode, p), or one subclass of Controller; "
                f"this one defines {', '.join(functions) or 'no function'}."
            )
        function = getattr(self.module, name)
        self._check(name, function, parameters)
        assert isinstance(function, FunctionType)
        return function

    def _check(self, name: str, function: object, parameters: tuple[str, ...]) -> None:
        """Raise a fault unless `function` is plain and can be called with `parameters`."""
        wanted = f"({', '.join(parameters)})"
        if (
            not isinstance(function, FunctionType)
            or function.__name__ == "<lambda>"
            or inspect.iscoroutinefunction(function)
            or inspect.isgeneratorfunction(function)
            or inspect.isasyncgenfunction(function)
        ):
            raise self._fault(name, f"must be a plain function (`def`) of {wanted}")
        signature = inspect.signature(function)
        stand_ins: list[Any] = [None] * len(parameters)
        try:
            signature.bind(*stand_ins)
        except TypeError:
            found = ", ".join(signature.parameters)
            raise self._fault(name, f"takes ({found}) where it must take {wanted}") from None

    def _options(self) -> type[Options]:
        options = getattr(self.module, "Options", Options)
        if options is Options:
            return Options
        if not (isinstance(options, type) and issubclass(options, Options)):
            raise self._fault("Options", "must be a subclass of autotts_core.component.Options")
        return options

    def _parameter_names(self, constant: str) -> tuple[str, ...]:
        names = getattr(self.module, constant, ())
        if isinstance(names, str):
            raise self._fault(constant, f'must be a tuple: write {constant} = ("{names}",)')
        if not (isinstance(names, tuple | list) and all(isinstance(name, str) for name in names)):
            raise self._fault(constant, f"must be a tuple of parameters' names, it is {names!r}")
        return tuple(names)

    def _summary(self, docstring: str | None) -> str:
        first_line = inspect.cleandoc(docstring or "").partition("\n")[0]
        return first_line or f"The controller in {self.path.name}"

    def _is_own(self, cls: type) -> bool:
        return cls.__module__ == self.module.__name__

    def _fault(self, name: str, problem: str) -> ControllerError:
        line = f":{self.lines[name]}" if name in self.lines else ""
        return ControllerError(f"{self.path}{line}: {name} {problem}.")


def _lines_of_names(body: list[ast.stmt]) -> dict[str, int]:
    """The line where each name was bound last, `Class.name` for what is in a class."""
    lines: dict[str, int] = {}
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                lines[statement.name] = statement.lineno
            case ast.ClassDef(name=owner):
                lines[owner] = statement.lineno
                members = _lines_of_names(statement.body)
                lines.update({f"{owner}.{name}": line for name, line in members.items()})
            case ast.Assign(targets=targets):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
                lines.update(dict.fromkeys(names, statement.lineno))
            case ast.AnnAssign(target=ast.Name(id=name)):
                lines[name] = statement.lineno
    return lines
