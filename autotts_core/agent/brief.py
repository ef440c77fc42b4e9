"""The brief that a model is given: `brief.md.jinja`, or a recipe's own."""

from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from autotts_core.discovery.workbench import Workbench
from autotts_core.recipe.schema import Selection

_RULES = {
    "highest-accuracy": "What counts is the highest accuracy at any β.",
    "best-frontier": "What counts is the area under accuracy over the logarithm of cost, from "
    "{0:.0%} to {1:.0%} of SC@64's: be accurate at every budget.",
    "accuracy-at-budget": "What counts is the accuracy that {2:.0%} of SC@64's cost buys.",
}


@cache
def _environment() -> SandboxedEnvironment:
    return SandboxedEnvironment(undefined=jinja2.StrictUndefined, trim_blocks=True)


def brief_problem(template: str) -> str | None:
    """Why `template` cannot be rendered, None when it can."""
    try:
        _environment().from_string(template).render(_example())
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None)
        return f"{f'line {line}: ' if line else ''}{error}"
    return None


def rendered(workbench: Workbench, template: str | None, **facts: Any) -> str:
    """The brief for a round; `template` replaces the package's."""
    if template is None:
        template = files("autotts_core.agent").joinpath("brief.md.jinja").read_text("utf-8")
    known = {
        "stores": [store.name for store in workbench.stores],
        "seeds": len(workbench.seeds),
        "betas": [f"{beta:g}" for beta in workbench.betas],
        "rule": rule_in_words(workbench.selection),
        **facts,
    }
    return _environment().from_string(template).render(known)


def rule_in_words(selection: Selection) -> str:
    """What the run's selection rule looks at."""
    told = _RULES[selection.rule].format(*selection.span, selection.budget)
    if selection.latency:
        told += f" Cost weighs latency, sequential tokens, by {selection.latency:.0%}."
    return told


def _example() -> dict[str, Any]:
    names = ("stores", "seeds", "betas", "rule", "turns", "mends", "more")
    return {name: [name] if name in ("stores", "betas") else name for name in names}
