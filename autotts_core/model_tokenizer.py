"""A model's tokenizer: questions and probes as the token ids that an engine continues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotts_core.chat_template import load_chat_template, render_chat
from autotts_core.engine_branch import EngineQuestion
from autotts_core.errors import BenchmarkError

if TYPE_CHECKING:
    from autotts_core.benchmark import Benchmark


class ModelTokenizer:
    """The tokenizer in `directory`, which is a model's, or holds its tokenizer alone."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._probes: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, in which special tokens count as such; none is added."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`, without special tokens."""
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=True)
        return text

    def check(self) -> None:
        """Raise `BenchmarkError` where there is no such tokenizer."""
        _ = self._tokenizer

    @property
    def size(self) -> int:
        """How many ids there are."""
        size: int = self._tokenizer.get_vocab_size()
        return size

    def asked(
        self, benchmark: Benchmark, text: str, earlier: Sequence[Mapping[str, str]] = ()
    ) -> EngineQuestion:
        """The question `text` in the form in which `benchmark` asks and probes it.

        In a chat it comes after the messages `earlier` (`role` and `content`), which stand as
        they are. Raises `BenchmarkError` where the form is no chat and there are any, and where
        the model has no template for a chat.
        """
        prompt = benchmark.prompt_form().replace("{question}", text)
        if benchmark.chat:
            messages = [*earlier, {"role": "user", "content": prompt}]
            return self._question(benchmark, self.encode(render_chat(*self._template, messages)))
        if earlier:
            raise BenchmarkError(
                "The form in which questions are asked here is no chat: it has no place for a "
                "system message or earlier turns. Send one user message."
            )
        return self.continued(benchmark, prompt)

    def continued(self, benchmark: Benchmark, prompt: str) -> EngineQuestion:
        """The text `prompt`, which the model continues, probed as `benchmark` probes."""
        # With what models are used to at the beginning of a text.
        ids = self._tokenizer.encode(prompt, add_special_tokens=True).ids
        return self._question(benchmark, ids)

    def _question(self, benchmark: Benchmark, ids: Sequence[int]) -> EngineQuestion:
        probe = benchmark.probe_suffix()
        if probe not in self._probes:
            self._probes[probe] = self.encode(probe)
        return EngineQuestion(
            ids,
            self._probes[probe],
            probe,
            benchmark.parse_answer,
            self.decode,
            benchmark.stop,
            benchmark.probe_stop,
            self.unsettled,
        )

    @cached_property
    def unsettled(self) -> frozenset[int]:
        """Ids whose text may change with what follows: a byte of a character, special tokens."""
        added = self._tokenizer.get_added_tokens_decoder()
        special = {number for number, token in added.items() if token.special}
        found = (self._tokenizer.token_to_id(f"<0x{byte:02X}>") for byte in range(256))
        return frozenset(special.union(number for number in found if number is not None))

    @cached_property
    def _template(self) -> tuple[str, dict[str, str]]:
        return load_chat_template(self.directory)

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        path = self.directory / "tokenizer.json"
        if not path.exists():
            raise BenchmarkError(
                f"{path}: there is no such file. Give the directory of a model, or one that holds "
                "its tokenizer.json and tokenizer_config.json."
            )
        try:
            return Tokenizer.from_file(str(path))
        except Exception as error:  # whatever its Rust code raises
            raise BenchmarkError(f"{path}: not readable as a tokenizer: {error}") from None
