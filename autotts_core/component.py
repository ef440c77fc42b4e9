"""What every pluggable thing has: a name, a summary, and typed options."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from autotts_core.errors import OptionError, nearest


class Options(BaseModel):
    """Base of every component's options: unknown keys are errors, values never change.

    The docstring below a field is its description for users.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Component:
    """Base of everything a plugin can offer.

    A subclass sets `name` (how recipes and the command line call it), `summary` (one line)
    and, if it has any, `Options`. An instance is made from validated options.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type[Options]] = Options

    def __init__(self, options: BaseModel | None = None) -> None:
        self.options = self.Options() if options is None else options

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """An instance with the options `values`.

        Raises `OptionError` that names the component, the key and what is allowed.
        """
        try:
            return cls(cls.Options.model_validate(dict(values)))
        except ValidationError as error:
            raise OptionError(_explain(cls, error)) from None


def _explain(component: type[Component], error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            options = component.Options.model_fields
            hint = nearest(key, options) if options else "It takes none."
            lines.append(f"{component.kind} {component.name!r} has no option {key!r}. {hint}")
        else:
            lines.append(
                f"{component.kind} {component.name!r}, option {key!r}: "
                f"{problem['msg']} (got {problem['input']!r})"
            )
    return "\n".join(lines)
