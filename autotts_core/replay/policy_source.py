"""A policy's source, with each `return` made to say which one it was.

A controller writes no tracing code. Why an episode stopped is which `return` of the policy it
left by, so `return winner  # confident` becomes `return (winner, 3)` before it is compiled or
interpreted, and 3 stands for "confident".
"""

import ast
import inspect
import io
import sys
import textwrap
import tokenize
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from autotts_core.errors import ControllerError

NO_RETURN = -2
"""The answer of a policy that ends without `return`."""


@dataclass(frozen=True, slots=True)
class TaggedPolicy:
    """A policy that returns (answer id, index into `reasons`)."""

    function: Callable[[Any, Any], tuple[int, int]]
    reasons: tuple[str, ...]


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
    try:
        lines, first_line = inspect.getsourcelines(policy)
    except OSError as error:
        raise ControllerError(
            f"the source of policy {policy.__qualname__} is not available ({error}); "
            "put the controller in a file"
        ) from None
    source = textwrap.dedent("".join(lines))
    function = ast.parse(source).body[0]
    if not isinstance(function, ast.FunctionDef):
        raise ControllerError(f"{path}:{first_line}: policy must be a plain function (`def`)")
    function.decorator_list = []
    tagger = _TagReturns()
    function.body = [tagger.visit(statement) for statement in function.body]
    function.body.append(ast.parse(f"return ({NO_RETURN}, {len(tagger.spans)})").body[0])
    ast.copy_location(function.body[-1], function.body[-2])
    ast.fix_missing_locations(function)
    comments = _comments(source)
    reasons = [
        next((comments[k] for k in range(last, first - 1, -1) if k in comments), None)
        or lines[first - 1].strip()
        for first, last in tagger.spans
    ]
    module = ast.increment_lineno(ast.Module([function], []), first_line - 1)
    namespace: dict[str, Any] = {}
    # The policy's own globals, so that what it calls is found (and patched) where it lives.
    exec(compile(module, path, "exec"), policy.__globals__, namespace)
    return TaggedPolicy(namespace[function.name], (*reasons, "no return"))


def functions_reached(function: FunctionType) -> list[FunctionType]:
    """The plain Python functions that `function` names, itself or as `module.function`.

    Numpy's and the standard library's own are left out: Numba knows them, or they cannot be
    compiled.
    """
    names = function.__code__.co_names
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


def _is_ours(package: str) -> bool:
    return package != "numpy" and package not in sys.stdlib_module_names


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: token.string.lstrip("# ").rstrip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }
