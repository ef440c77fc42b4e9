"""Text that grows is the text of all ids, whatever they are and wherever the pieces end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from autotts_sim.engine import SimulatedEngine
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from autotts_core.decoded_text import DecodedText
from autotts_core.model_tokenizer import ModelTokenizer

WORDS = ["▁", "▁a", "▁the", "a", "the", "é", "☃", "👍🏽", ",", ".", "\n", "�"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
SPECIAL = ["<s>", "</s>"]


def byte_level() -> Tokenizer:
    """As GPT-2's and Qwen's: tokens are any runs of bytes, also parts of characters."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    texts = ["the snow ☃ is é, 👍🏽 naïve. 数学 を\n"] * 3
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, initial_alphabet=alphabet, special_tokens=SPECIAL, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def sentence_piece() -> Tokenizer:
    """As Llama 2's and Gemma's: a space before each word but the first, single bytes for others."""
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *BYTES, *WORDS])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], byte_fallback=True))
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.add_special_tokens([AddedToken(each, special=True) for each in SPECIAL])
    return tokenizer


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelTokenizer]:
    found = {"single bytes": ModelTokenizer(SimulatedEngine().tokenizer("toy"))}
    for make in (byte_level, sentence_piece):
        directory: Path = tmp_path_factory.mktemp(make.__name__)
        make().save(str(directory / "tokenizer.json"))
        found[make.__name__] = ModelTokenizer(directory)
    return found


KINDS = ("single bytes", "byte_level", "sentence_piece")


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(data=st.data())
def test_it_is_the_text_of_all_ids(
    saved: dict[str, ModelTokenizer], kind: str, data: st.DataObject
) -> None:
    tokenizer = saved[kind]
    ids = st.integers(0, tokenizer.size - 1)
    # Runs of what such a tokenizer makes of text, and ids at random, in pieces.
    written = st.text("a the ☃é👍数,.\n").map(tokenizer.encode)
    pieces = data.draw(st.lists(st.lists(ids, max_size=25) | written, max_size=6))
    grown, added = DecodedText(tokenizer.decode, tokenizer.unsettled), []
    for piece in pieces:
        grown = grown.plus(piece)
        added += piece
        assert grown.text == tokenizer.decode(added)


@pytest.mark.parametrize("kind", KINDS)
def test_no_more_is_decoded_than_was_added(saved: dict[str, ModelTokenizer], kind: str) -> None:
    tokenizer = saved[kind]
    decoded = 0

    def decode(ids: Sequence[int]) -> str:
        nonlocal decoded
        decoded += len(ids)
        return tokenizer.decode(ids)

    piece = tokenizer.encode("the ☃ a é the, a.\n") * 50
    grown = DecodedText(decode, tokenizer.unsettled)
    for _ in range(40):
        grown = grown.plus(piece)
    # Each piece as a whole, and once more up to where it is settled.
    assert decoded < 4 * 40 * len(piece)
    assert grown.text == tokenizer.decode(piece * 40)


def test_special_tokens_and_single_bytes_settle_nothing(saved: dict[str, ModelTokenizer]) -> None:
    assert saved["sentence_piece"].unsettled == set(range(len(SPECIAL) + len(BYTES)))
    assert saved["byte_level"].unsettled == {0, 1}
