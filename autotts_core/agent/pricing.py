"""What a model's tokens cost."""

import re
from datetime import date
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field

from autotts_core.agent.llm import Usage

Dollars = Annotated[float, Field(ge=0)]

_MILLION = 1_000_000
_SNAPSHOT = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$")
"""A model's dated snapshots cost what the model costs."""


class Price(BaseModel):
    """Dollars for a million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    input: Dollars
    output: Dollars
    cache_read: Dollars | None = None
    """Input that was found in the provider's cache; as `input` unless told."""
    cache_write: Dollars | None = None
    """Input that was written to it; as `input` unless told."""

    def dollars(self, usage: Usage) -> float:
        """What `usage` costs."""
        read = self.input if self.cache_read is None else self.cache_read
        write = self.input if self.cache_write is None else self.cache_write
        return (
            usage.input * self.input
            + usage.cache_read * read
            + usage.cache_write * write
            + usage.output * self.output
        ) / _MILLION


class PriceTable(BaseModel):
    """A provider's prices on some day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: date
    source: str
    models: dict[str, Price]

    @classmethod
    def parse(cls, text: str) -> Self:
        """The table in YAML: `as_of`, `source`, and `models` with their prices."""
        return cls.model_validate(yaml.safe_load(text))

    def price(self, model: str) -> Price | None:
        """What `model` costs; None where the table does not know."""
        return self.models.get(model) or self.models.get(_SNAPSHOT.sub("", model))
