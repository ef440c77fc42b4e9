"""A model's chat template: from messages to the text that the model continues."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotts_core.errors import BenchmarkError

if TYPE_CHECKING:
    from jinja2 import Template


def load_chat_template(tokenizer: Path) -> tuple[str, dict[str, str]]:
    """The template and the special tokens of the tokenizer in the directory `tokenizer`.

    Reads `tokenizer_config.json`, and `chat_template.jinja` where the template is in that, as
    `transformers` does. Raises `BenchmarkError` where there is no template.
    """
    path = tokenizer / "tokenizer_config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchmarkError(
            f"{path}: {error.strerror}. Give the directory of a model or of its tokenizer."
        ) from None
    except ValueError as error:
        raise BenchmarkError(f"{path}: not readable as JSON: {error}") from None
    template = config.get("chat_template")
    if isinstance(template, list):
        named = {each.get("name"): each.get("template") for each in template}
        template = named.get("default")
    beside = tokenizer / "chat_template.jinja"
    if beside.exists():
        template = beside.read_text(encoding="utf-8")
    if not isinstance(template, str):
        raise BenchmarkError(
            f"{path}: has no 'chat_template', and there is no {beside.name}. Models without one "
            "only complete text: use the benchmark's option form=completion."
        )
    return template, {
        key: value if isinstance(value, str) else value["content"]
        for key, value in config.items()
        if key.endswith("_token") and value
    }


def render_chat(
    template: str, special_tokens: Mapping[str, str], messages: Sequence[Mapping[str, str]]
) -> str:
    """The text of a chat of `messages` (`role` and `content`), in which the model's turn begins.

    Raises `BenchmarkError` where the template fails, as some do that know no system message.
    """
    import jinja2

    try:
        return _compiled(template).render(
            messages=messages,
            add_generation_prompt=True,
            enable_thinking=True,
            **special_tokens,
        )
    except jinja2.exceptions.TemplateError as error:
        raise BenchmarkError(f"The chat template cannot be rendered: {error}") from None


@lru_cache(maxsize=8)
def _compiled(template: str) -> Template:
    """Templates come with models, which strangers publish: they are rendered in a sandbox."""
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(reason: str) -> None:
        raise jinja2.exceptions.TemplateError(reason)

    def as_json(value: Any, **options: Any) -> str:
        return json.dumps(value, ensure_ascii=False, **options)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = as_json
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment.from_string(template)
