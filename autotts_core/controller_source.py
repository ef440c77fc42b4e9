"""What the source of a proposed controller may say: a small language, checked before it runs.

Arithmetic, control flow, lists, numpy on local arrays, the voting library, the episode's
methods. The messages name line and reason, for the author may be a program that reads them.
"""

import ast
import builtins
import math
from collections.abc import Iterator
from functools import cache
from types import FunctionType

from autotts_core.errors import ControllerError, nearest

_MODULES = {
    "math": None,
    "numpy": None,
    "autotts_core.voting": None,
    "autotts_core.episode": {"Episode"},
    "typing": {"Any"},
}
"""Modules that may be imported, and which of their names where not all."""

_BUILTINS = """
    abs all any bool dict divmod enumerate float int len list max min pow range reversed round
    set sorted str sum tuple zip
"""

_NUMPY = """
    abs all any append arange argmax argmin argsort array bincount bool_ ceil clip concatenate
    copy cumsum diff dot e exp float32 float64 floor full inf int32 int64 isfinite isnan
    log log1p log2 max maximum mean median min minimum nan nonzero ones pi power prod round
    searchsorted sign sort sqrt std sum unique var where zeros
"""

_ATTRIBUTES = """
    advance answer branch branches depth finished prune pruned read remaining signal spent tally
    tokens
    add confidence count leader runner_up votes
    append clear copy extend index insert pop remove reverse sort
    get items keys setdefault update values discard
    all any argmax argmin argsort astype cumsum fill max mean min prod round shape size std sum
    tolist var
"""
"""Of the episode, tallies, lists, dicts and arrays; what a schedule returns can be read besides."""

_MOST_CHARACTERS = 100_000

_attribute_names = frozenset(_ATTRIBUTES.split())
_builtin_names = frozenset(_BUILTINS.split())
_numpy_names = frozenset(_NUMPY.split())

_FORBIDDEN: dict[type[ast.AST], str] = {
    ast.ClassDef: "defines a class: write the functions schedule(beta) and policy(episode, p)",
    ast.AsyncFunctionDef: "is asynchronous: the episode awaits by itself",
    ast.Await: "awaits: the episode does so by itself",
    ast.Yield: "yields",
    ast.YieldFrom: "yields",
    ast.Try: "uses `try`: an exception ends an episode whose budget is spent",
    ast.TryStar: "uses `try`: an exception ends an episode whose budget is spent",
    ast.With: "uses `with`",
    ast.AsyncWith: "uses `with`",
    ast.Global: "uses `global`: an episode may not know of another",
    ast.Nonlocal: "uses `nonlocal`",
    ast.Match: "uses `match`, which does not compile: use `if`",
}


_CHANGEABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def check_source(source: str) -> None:
    """Raise `ControllerError` with a line for everything that `source` may not say."""
    if len(source) > _MOST_CHARACTERS:
        raise ControllerError(
            f"the source has {len(source):,} characters: write at most {_MOST_CHARACTERS:,}"
        )
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ControllerError(f"line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ControllerError(f"the source is not readable as Python: {error}") from None
    try:
        problems = sorted(set(_problems(tree)))
    except RecursionError:
        raise ControllerError("the source is nested too deeply: write it flatter") from None
    if problems:
        raise ControllerError("\n".join(f"line {line}: {text}" for line, text in problems))


def _problems(tree: ast.Module) -> Iterator[tuple[int, str]]:
    numpy_names = {"numpy"}
    for statement in tree.body:
        match statement:
            case ast.Import() | ast.ImportFrom():
                yield from _import_problems(statement)
                if isinstance(statement, ast.Import):
                    numpy_names |= {
                        each.asname
                        for each in statement.names
                        if each.name == "numpy" and each.asname
                    }
            case ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
                pass
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.Assign() | ast.AnnAssign():
                if any(isinstance(node, ast.Call) for node in ast.walk(statement)):
                    yield statement.lineno, "calls something at import: keep to constants there"
                if any(isinstance(node, _CHANGEABLE) for node in ast.walk(statement)):
                    yield statement.lineno, "keeps what can change between episodes: write a tuple"
            case _:
                yield (
                    statement.lineno,
                    "stands outside of a function: only imports, constants and functions may",
                )
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name in ("schedule", "policy"):
        if name not in functions:
            defined = ", ".join(functions) or "none"
            yield 1, f"there is no function {name} (functions: {defined})"
    if "policy" in functions and not _always_returns(functions["policy"].body):
        last = functions["policy"].body[-1]
        yield last.end_lineno or 1, "the policy can end here without returning an answer id"
    yield from _recursion_problems(functions)
    bound = _bound(tree)
    parameters = _parameter_names(tree)
    for node in ast.walk(tree):
        yield from _node_problems(node, tree, bound, numpy_names, parameters)


def _import_problems(statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[int, str]]:
    allowed = "math, numpy and autotts_core.voting may be imported"
    if isinstance(statement, ast.Import):
        for each in statement.names:
            if each.name not in ("math", "numpy"):
                yield statement.lineno, f"imports {each.name}: {allowed}"
        return
    module = statement.module or "."
    if statement.level or module not in _MODULES:
        yield statement.lineno, f"imports from {module}: {allowed}"
        return
    names = _MODULES[module]
    for each in statement.names:
        if each.name == "*":
            yield statement.lineno, f"imports everything from {module}: name what is used"
        elif (names is not None and each.name not in names) or each.name.startswith("_"):
            yield statement.lineno, f"imports {each.name} from {module}: {allowed}"
        elif module == "numpy" and each.name not in _numpy_names:
            yield statement.lineno, f"imports numpy.{each.name}, which a controller may not use"


def _node_problems(
    node: ast.AST,
    tree: ast.Module,
    bound: frozenset[str],
    numpy_names: set[str],
    parameters: frozenset[str],
) -> Iterator[tuple[int, str]]:
    line = getattr(node, "lineno", 1)
    if type(node) in _FORBIDDEN:
        yield line, _FORBIDDEN[type(node)]
    match node:
        case ast.Import() | ast.ImportFrom() if node not in tree.body:
            yield line, "imports within a function: import at the top"
        case ast.arguments(defaults=defaults, kw_defaults=more) if not all(
            each is None or isinstance(each, ast.Constant) for each in (*defaults, *more)
        ):
            place = next(each for each in (*defaults, *more) if each is not None)
            yield place.lineno, "has a default that is no constant: give numbers as defaults"
        case ast.FunctionDef() if node.decorator_list:
            yield line, f"decorates {node.name}: write a plain function"
        case ast.Attribute(attr=name) if name.startswith("_"):
            yield line, f"uses the attribute {name}: names with a leading underscore are private"
        case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()):
            yield line, f"changes the attribute {name}: keep what changes in local variables"
        case ast.Attribute(value=ast.Name(id="math"), attr=name) if hasattr(math, name):
            pass
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in numpy_names:
            if name not in _numpy_names:
                yield (
                    line,
                    f"uses numpy.{name}, which a controller may not. {nearest(name, _numpy_names)}",
                )
        case ast.Attribute(attr=name) if name not in _attribute_names | parameters:
            known = _attribute_names | parameters
            yield (
                line,
                f"uses the attribute {name}, which a controller may not. " + nearest(name, known),
            )
        case ast.Name(id=name) if name.startswith("_") and name != "_":
            yield line, f"uses the name {name}: names with a leading underscore are private"
        case ast.Name(id=name, ctx=ast.Load()) if name not in bound and name not in _builtin_names:
            if hasattr(builtins, name):
                yield line, f"uses {name}(), which a controller may not"
            else:
                yield line, f"uses {name}, which is defined nowhere"


def _recursion_problems(functions: dict[str, ast.FunctionDef]) -> Iterator[tuple[int, str]]:
    """Functions that reach themselves: nothing bounds how deep."""
    named = {
        name: {
            node.id
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and node.id in functions
        }
        for name, function in functions.items()
    }
    for name, function in functions.items():
        reached: set[str] = set()
        waiting = list(named[name])
        while waiting:
            other = waiting.pop()
            if other not in reached:
                reached.add(other)
                waiting += named[other]
        if name in reached:
            yield function.lineno, f"{name} calls itself: write a loop instead of recursion"


def _parameter_names(tree: ast.Module) -> frozenset[str]:
    """Names that a schedule may return: strings in the source that name nothing else."""
    strings = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return frozenset(strings - _taken())


@cache
def _taken() -> frozenset[str]:
    """The attributes of everything that a controller can hold."""
    import numpy as np

    from autotts_core.replay.interpreted_episode import InterpretedEpisode
    from autotts_core.voting import Tally

    kinds = (
        *(InterpretedEpisode, Tally, np.ndarray, np.generic, np.dtype, np.ufunc, FunctionType),
        *(str, bytes, list, dict, set, tuple, range, int, float, complex, type),
    )
    return frozenset(name for kind in kinds for name in dir(kind))


def _bound(tree: ast.Module) -> frozenset[str]:
    """Every name that is bound anywhere in the source; scopes are left to Python."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.FunctionDef(name=name):
                names.add(name)
            case ast.arg(arg=name):
                names.add(name)
            case ast.alias(name=name, asname=other):
                names.add(other or name)
    return frozenset(names)


def _always_returns(body: list[ast.stmt]) -> bool:
    """Whether no path leads out of the end of `body`."""
    for statement in body:
        match statement:
            case ast.Return() | ast.Raise():
                return True
            case ast.If(body=then, orelse=otherwise):
                if _always_returns(then) and _always_returns(otherwise):
                    return True
            case ast.While(test=ast.Constant(value=truth), body=loop) if truth:
                if not any(isinstance(node, ast.Break) for node in _same_loop(loop)):
                    return True
    return False


def _same_loop(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes of a loop's body, without those of loops and functions within it."""
    for statement in body:
        yield statement
        for name in ("body", "orelse"):
            inner = getattr(statement, name, [])
            if name == "body" and isinstance(statement, ast.For | ast.While | ast.FunctionDef):
                continue
            if isinstance(inner, list):
                yield from _same_loop(inner)
