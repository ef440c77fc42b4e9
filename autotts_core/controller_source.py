"""What the source of a proposed controller may say: a small language, checked before it runs.

Arithmetic, control flow, lists, numpy on local arrays, the voting library, the episode's
methods. The messages name line and reason, for the author may be a program that reads them.
"""

import ast
import builtins
from collections.abc import Iterator

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
    copy cumsum diff dot e empty exp float32 float64 floor full inf int32 int64 isfinite isnan
    log log1p log2 max maximum mean median min minimum nan nonzero ones pi power prod round
    searchsorted sign sort sqrt std sum unique var where zeros
"""

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


def check_source(source: str) -> None:
    """Raise `ControllerError` with a line for everything that `source` may not say."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ControllerError(f"line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ControllerError(f"the source is not readable as Python: {error}") from None
    problems = sorted(set(_problems(tree)))
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
    bound = _bound(tree)
    for node in ast.walk(tree):
        yield from _node_problems(node, tree, bound, numpy_names)


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
    node: ast.AST, tree: ast.Module, bound: frozenset[str], numpy_names: set[str]
) -> Iterator[tuple[int, str]]:
    line = getattr(node, "lineno", 1)
    if type(node) in _FORBIDDEN:
        yield line, _FORBIDDEN[type(node)]
    match node:
        case ast.Import() | ast.ImportFrom() if node not in tree.body:
            yield line, "imports within a function: import at the top"
        case ast.FunctionDef() if node.decorator_list:
            yield line, f"decorates {node.name}: write a plain function"
        case ast.Attribute(attr=name) if name.startswith("_"):
            yield line, f"uses the attribute {name}: names with a leading underscore are private"
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in numpy_names:
            if name not in _numpy_names:
                yield (
                    line,
                    f"uses numpy.{name}, which a controller may not. {nearest(name, _numpy_names)}",
                )
        case ast.Name(id=name) if name.startswith("_") and name != "_":
            yield line, f"uses the name {name}: names with a leading underscore are private"
        case ast.Name(id=name, ctx=ast.Load()) if name not in bound and name not in _builtin_names:
            if hasattr(builtins, name):
                yield line, f"uses {name}(), which a controller may not"
            else:
                yield line, f"uses {name}, which is defined nowhere"


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
