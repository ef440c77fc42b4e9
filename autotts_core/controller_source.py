"""What the source of a proposed controller may say: a small language, checked before it runs.

Arithmetic, control flow, lists, numpy on local arrays, the voting library, the episode's
methods. The messages name line and reason, for the author may be a program that reads them.
"""

import ast
import builtins
import graphlib
import inspect
import math
import types
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice

from autotts_core.errors import ControllerError, nearest

_BUILTINS = """
    abs all any bool dict divmod enumerate float int len list max min pow range reversed round
    set sorted str sum tuple zip
"""

_NUMPY = """
    abs all any append arange argmax argmin argsort array bool_ ceil clip concatenate
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

_VOTING = "Tally beta_confidence deepest_first majority moving_average"

_MOST_CHARACTERS = 100_000
_MOST_PROBLEMS = 20

_attribute_names = frozenset(_ATTRIBUTES.split())
_builtin_names = frozenset(_BUILTINS.split())
_other_builtins = frozenset(vars(builtins)) - _builtin_names

_MODULES: Mapping[str, frozenset[str]] = {
    "math": frozenset(name for name in vars(math) if not name.startswith("_")),
    "numpy": frozenset(_NUMPY.split()),
    "autotts_core.voting": frozenset(_VOTING.split()),
    "autotts_core.episode": frozenset({"Episode"}),
    "typing": frozenset({"Any"}),
}
"""Modules that may be imported from, and their names that may be used."""

_WHOLE_MODULES = ("math", "numpy")

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

_CONSTANT: tuple[type[ast.AST], ...] = (
    *(ast.Constant, ast.Tuple, ast.Name, ast.Attribute, ast.Subscript, ast.BinOp, ast.UnaryOp),
    *(ast.operator, ast.unaryop, ast.expr_context),
)
"""What is evaluated once and for all episodes: nothing in it can change from one to the next."""


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
        # Not all of them: a hostile source could have more than there is time to find words for.
        problems = sorted(set(islice(_problems(tree), _MOST_PROBLEMS)))
    except RecursionError:
        raise ControllerError("the source is nested too deeply: write it flatter") from None
    if problems:
        raise ControllerError("\n".join(f"line {line}: {text}" for line, text in problems))


def _problems(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for statement in tree.body:
        match statement:
            case ast.Import() | ast.ImportFrom():
                yield from _import_problems(statement)
            case ast.FunctionDef(args=arguments, returns=returned):
                yield from _once_problems(returned, *(each.annotation for each in _all(arguments)))
            case ast.ClassDef() | ast.AsyncFunctionDef():
                pass
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.Assign(value=value):
                yield from _once_problems(value)
            case ast.AnnAssign(annotation=annotation, value=value):
                yield from _once_problems(annotation, value)
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
    bound = list(_bound(tree))
    modules = {
        each.asname or each.name: each.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for each in node.names
        if each.name in _WHOLE_MODULES
    }
    for line, name in bound:
        if name in _other_builtins:
            yield line, f"gives a meaning to {name}, which is Python's: choose another name"
        elif name in modules:
            yield line, f"gives a meaning to {name}, which is a module: choose another name"
    known = _Known(
        names=frozenset(name for _, name in bound) | _builtin_names | frozenset(modules),
        attributes=_attribute_names | _parameter_names(tree),
        modules=modules,
        owners=frozenset(id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute)),
        called=frozenset(id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)),
        at_the_top=frozenset(map(id, tree.body)),
    )
    for node in ast.walk(tree):
        yield from _node_problems(node, known)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a whole source when one of its nodes is looked at."""

    names: frozenset[str]
    """That are bound anywhere in it; scopes are left to Python."""
    attributes: frozenset[str]
    modules: Mapping[str, str]
    """Modules by the names that they are imported as."""
    owners: frozenset[int]
    """The nodes of which an attribute is named."""
    called: frozenset[int]
    """The nodes that are called."""
    at_the_top: frozenset[int]


def _once_problems(*values: ast.expr | None) -> Iterator[tuple[int, str]]:
    """What is evaluated once, outside of episodes, and could remember something between them."""
    for value in values:
        for node in ast.walk(value) if value else ():
            if not isinstance(node, _CONSTANT):
                line = getattr(node, "lineno", 1)
                yield line, "is no constant: write numbers, strings or tuples of them here"
                break


def _all(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (each for each in (arguments.vararg, arguments.kwarg) if each)


def _import_problems(statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[int, str]]:
    allowed = "math, numpy and autotts_core.voting may be imported"
    if isinstance(statement, ast.Import):
        for each in statement.names:
            if each.name not in _WHOLE_MODULES:
                yield statement.lineno, f"imports {each.name}: {allowed}"
        return
    module = statement.module or "."
    if module == "numpy" and not statement.level:
        yield statement.lineno, "imports from numpy: write `import numpy as np`, and np.zeros"
        return
    if statement.level or module not in _MODULES:
        yield statement.lineno, f"imports from {module}: {allowed}"
        return
    for each in statement.names:
        if each.name == "*":
            yield statement.lineno, f"imports everything from {module}: name what is used"
        elif each.name not in _MODULES[module]:
            hint = nearest(each.name, _MODULES[module])
            yield (
                statement.lineno,
                f"imports {each.name} from {module}, which a controller may not. {hint}",
            )


def _node_problems(node: ast.AST, known: _Known) -> Iterator[tuple[int, str]]:
    line = getattr(node, "lineno", 1)
    if type(node) in _FORBIDDEN:
        yield line, _FORBIDDEN[type(node)]
    match node:
        case ast.Import() | ast.ImportFrom() if id(node) not in known.at_the_top:
            yield line, "imports within a function: import at the top"
        case ast.arguments(defaults=defaults, kw_defaults=more):
            yield from _once_problems(*defaults, *more)
        case ast.FunctionDef() if node.decorator_list:
            yield line, f"decorates {node.name}: write a plain function"
        case ast.Attribute(attr=name) if name.startswith("_"):
            yield line, f"uses the attribute {name}: names with a leading underscore are private"
        case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()):
            yield line, f"changes the attribute {name}: keep what changes in local variables"
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in known.modules:
            module = known.modules[owner]
            if name not in _MODULES[module]:
                hint = nearest(name, _MODULES[module])
                yield line, f"uses {module}.{name}, which a controller may not. {hint}"
            # Compiled code does not check that what it writes to is as large as what it reads.
            elif module == "numpy" and name in _most_inputs() and id(node) not in known.called:
                yield line, f"uses numpy.{name} without calling it: call it where it is named"
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id=owner), attr=name), args=given, keywords=named
        ) if known.modules.get(owner) == "numpy":
            most = _most_inputs().get(name, len(given))
            starred = any(isinstance(each, ast.Starred) for each in given)
            if len(given) > most or starred or any(each.arg in ("out", None) for each in named):
                yield line, f"gives numpy.{name} an array to write to: use what it returns"
        case ast.Attribute(attr=name) if name not in known.attributes:
            hint = nearest(name, known.attributes)
            yield line, f"uses the attribute {name}, which a controller may not. {hint}"
        case ast.Name(id=name) if name.startswith("_") and name != "_":
            yield line, f"uses the name {name}: names with a leading underscore are private"
        # What else a module holds could be reached by any name that is allowed elsewhere.
        case ast.Name(id=name) if name in known.modules and id(node) not in known.owners:
            yield line, f"uses the module {name} by itself: write {name}. and what is used of it"
        case ast.Name(id=name, ctx=ast.Load()) if name not in known.names:
            if name in _other_builtins:
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
    try:
        graphlib.TopologicalSorter(named).prepare()
    except graphlib.CycleError as error:
        name = error.args[1][0]
        yield functions[name].lineno, f"{name} calls itself: write a loop instead of recursion"


def _parameter_names(tree: ast.Module) -> frozenset[str]:
    """Names that a schedule may return: strings in the source that name nothing else."""
    strings = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return frozenset(strings - _taken())


@cache
def _most_inputs() -> Mapping[str, int]:
    """Of numpy's functions that can write to an array, the number of arguments before it."""
    import numpy as np

    found = {}
    for name in _MODULES["numpy"]:
        function = getattr(np, name)
        if isinstance(function, np.ufunc):
            found[name] = function.nin
        elif callable(function) and not isinstance(function, type):
            with suppress(ValueError):
                parameters = list(inspect.signature(function).parameters)
                if "out" in parameters:
                    found[name] = parameters.index("out")
    return found


@cache
def _taken() -> frozenset[str]:
    """The attributes of everything that a controller can hold.

    Python's own kinds of objects among it, more than one thinks: a generator leads to its frame,
    and a frame to everything.
    """
    import numpy as np

    from autotts_core.replay.interpreted_episode import NO_QUESTION, InterpretedEpisode
    from autotts_core.voting import Tally

    own = (*vars(builtins).values(), *vars(types).values())
    kinds = [
        each
        for each in own
        if isinstance(each, type) and not issubclass(each, BaseException | range | slice)
    ]
    numpy = (np.ndarray, np.float64, np.int64, np.bool_, np.str_, np.dtype, np.ufunc, np.zeros)
    # As they are, not their classes, which do not tell what is set when they begin.
    ours = (InterpretedEpisode(NO_QUESTION, ()), Tally(()))
    return frozenset(name for each in (*kinds, *numpy, *ours) for name in dir(each))


def _bound(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name that is bound anywhere in the source, and where; imported modules excepted."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.ImportFrom(names=names):
                yield from ((node.lineno, each.asname or each.name) for each in names)
            case ast.Import(names=names):
                yield from (
                    (node.lineno, each.asname) for each in names if each.asname in _other_builtins
                )


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
