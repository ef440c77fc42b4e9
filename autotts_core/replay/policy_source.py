"""A policy's source, with each `return` made to say which one it was.

A controller writes no tracing code. Why an episode stopped is which `return` of the policy it
left by, so `return winner  # confident` becomes `return (winner, 3)` before it is compiled or
interpreted, and 3 stands for "confident".
"""

import ast
import inspect
import io
import linecache
import sys
import textwrap
import tokenize
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any

from autotts_core.errors import ControllerError

NO_RETURN = -2
"""The answer of a policy that ends without `return`."""


@dataclass(frozen=True, slots=True)
class TaggedPolicy:
    """A policy that returns (answer id, index into `reasons`).

    `places` says for each reason where in the source it is.
    """

    function: Callable[[Any, Any], tuple[int, int]]
    reasons: tuple[str, ...]
    places: tuple[str, ...]


class _TagReturns(ast.NodeTransformer):
    """Rewrites the returns of one function, leaving functions within it alone."""

    def __init__(self) -> None:
        self.spans: list[tuple[int, int]] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        answer = node.value or ast.Constant(NO_RETURN)
        tag = ast.Constant(len(self.spans))
        self.spans.append((node.lineno, node.end_lineno or node.lineno))
        tagged = ast.Return(ast.Tuple([answer, tag], ast.Load()))
        return ast.fix_missing_locations(ast.copy_location(tagged, node))


def tag_returns(policy: FunctionType) -> TaggedPolicy:
    """Rewrite `policy` from its source; its globals, file and line numbers stay the same.

    Raises `ControllerError` when there is no source, or the policy closes over variables.
    """
    if policy.__closure__:
        names = ", ".join(policy.__code__.co_freevars)
        raise ControllerError(
            f"policy {policy.__qualname__} uses variables of an enclosing function ({names}); "
            "pass them through the schedule's parameters"
        )
    path = policy.__code__.co_filename
    lines, function = _definition(policy)
    function.decorator_list = []
    tagger = _TagReturns()
    function.body = [tagger.visit(statement) for statement in function.body]
    function.body.append(ast.parse(f"return ({NO_RETURN}, {len(tagger.spans)})").body[0])
    ast.copy_location(function.body[-1], function.body[-2])
    ast.fix_missing_locations(function)
    comments = _comments("".join(lines))
    reasons = [
        next((comments[k] for k in range(last, first - 1, -1) if k in comments), None)
        or lines[first - 1].strip()
        for first, last in tagger.spans
    ]
    namespace: dict[str, Any] = {}
    # The policy's own globals, so that what it calls is found (and patched) where it lives.
    module = ast.Module([function], [])
    exec(compile(module, path, "exec", dont_inherit=True), policy.__globals__, namespace)
    ends = [first for first, _ in tagger.spans]
    places = [f"{path}, line {line}" for line in (*ends, function.end_lineno)]
    return TaggedPolicy(namespace[function.name], (*reasons, "no return"), tuple(places))


def _definition(function: FunctionType) -> tuple[list[str], ast.FunctionDef]:
    """The lines of a function's file, and its definition there.

    Found in the tree of the whole file, because `inspect` goes by what lines look like: the
    same words in a string above would be taken for the function.
    """
    code = function.__code__
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, function.__globals__)
    if not lines:
        raise ControllerError(
            f"the source of policy {function.__qualname__} is not available "
            f"({code.co_filename}); put the controller in a file"
        )
    for node in ast.walk(ast.parse("".join(lines))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            first = min([node, *getattr(node, "decorator_list", ())], key=_line).lineno
            name = getattr(node, "name", "<lambda>")
            if (first, name) == (code.co_firstlineno, code.co_name):
                if isinstance(node, ast.FunctionDef):
                    return lines, node
                break
    raise ControllerError(
        f"{code.co_filename}:{code.co_firstlineno}: policy must be a plain function (`def`)"
    )


def _line(node: ast.stmt | ast.expr) -> int:
    return node.lineno


def refuse_catching(policy: FunctionType) -> None:
    """Raise `ControllerError` where a policy catches exceptions.

    An exception is how an episode ends when its budget is spent, and how faults are found.
    """
    for function in (policy, *all_reached(policy)):
        lines, first_line = inspect.getsourcelines(function)
        for node in ast.walk(ast.parse(textwrap.dedent("".join(lines)))):
            if isinstance(node, ast.Try | ast.TryStar):
                path, line = function.__code__.co_filename, first_line + node.lineno - 1
                raise ControllerError(
                    f"{path}, line {line}: {function.__name__} uses `try`, but a policy may not "
                    "catch exceptions: one of them ends the episode when its budget is spent"
                )


def refuse_unrepeatable(policy: FunctionType) -> None:
    """Raise `ControllerError` where a policy reaches for chance or for the clock.

    A seed stands for one order of branches and nothing else: an episode that is replayed
    again has to come out the same.
    """
    for function in (policy, *all_reached(policy)):
        names = names_in(function.__code__)
        for name in names:
            value = function.__globals__.get(name)
            origin = value.__name__ if isinstance(value, ModuleType) else _origin(value)
            if origin == "numpy" and "random" in names:
                origin = "numpy.random"
            if origin in _UNREPEATABLE:
                raise ControllerError(
                    f"{function.__code__.co_filename}: {function.__name__} uses {name} "
                    f"({origin}), but replaying an episode has to give the same again"
                )


_UNREPEATABLE = {"random", "numpy.random", "secrets", "time", "datetime", "uuid", "os"}


def _origin(value: object) -> str:
    bound_to = getattr(value, "__self__", None)
    owner = type(bound_to) if bound_to is not None and not inspect.ismodule(bound_to) else value
    return str(getattr(owner, "__module__", ""))


def all_reached(policy: FunctionType) -> list[FunctionType]:
    """Every function that `policy` reaches, directly or through another."""
    found: list[FunctionType] = []
    waiting = functions_reached(policy)
    while waiting:
        function = waiting.pop()
        if function not in found and function is not policy:
            found.append(function)
            waiting += functions_reached(function)
    return found


def functions_reached(function: FunctionType) -> list[FunctionType]:
    """The plain Python functions that `function` names, itself or as `module.function`.

    Numpy's and the standard library's own are left out: Numba knows them, or they cannot be
    compiled.
    """
    names = names_in(function.__code__)
    globals_named = [function.__globals__[name] for name in names if name in function.__globals__]
    members = [
        getattr(module, name)
        for module in globals_named
        if isinstance(module, ModuleType)
        for name in names
        if hasattr(module, name)
    ]
    return [
        reached
        for reached in globals_named + members
        if isinstance(reached, FunctionType) and _is_ours(reached.__module__.partition(".")[0])
    ]


def names_in(code: CodeType) -> list[str]:
    """The names of globals and attributes in `code`, its comprehensions and lambdas included."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return [*code.co_names, *(name for nested in inner for name in names_in(nested))]


def _is_ours(package: str) -> bool:
    return package != "numpy" and package not in sys.stdlib_module_names


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: token.string.lstrip("# ").rstrip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }
