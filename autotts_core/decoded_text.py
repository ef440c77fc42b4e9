"""The text of token ids, of which more keep coming."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace

_LOOKED_BACK = 16
"""Tokens from the end among which a place is looked for where text is settled."""


@dataclass(frozen=True, slots=True)
class DecodedText:
    """`text` is what `decode` gives for all ids that were added, at the cost of the last ones.

    A token's text may hang on its neighbours: the bytes of a character come in several tokens,
    and decoders drop the space at the beginning of a text. So the text before a token is settled
    only where that token completes a character; one token before it is decoded again with what
    follows. `unsettled` are the ids that settle nothing: single bytes, and special tokens, which
    may stand between them.

    `tokenizers.DecodeStream` holds back what is incomplete, where a branch's text at any moment
    is that of all its ids, and gives up on bytes that are no text.
    """

    decode: Callable[[Sequence[int]], str]
    unsettled: Set[int] = frozenset()
    text: str = ""
    settled: int = 0
    """Characters of `text` that no further ids change."""
    window: tuple[int, ...] = ()
    """The last id of the settled text, and all that follow."""

    def plus(self, ids: Sequence[int]) -> DecodedText:
        """With `ids` added."""
        window = (*self.window, *ids)
        overlap = len(self.decode(self.window[:1])) if self.settled else 0
        added = self.decode(window)[overlap:]
        text = self.text[: self.settled] + added
        for end in range(len(window), max(1, len(window) - _LOOKED_BACK), -1):
            if window[end - 1] in self.unsettled:
                continue
            until = added if end == len(window) else self.decode(window[:end])[overlap:]
            if until and not until.endswith("\ufffd"):
                return replace(
                    self,
                    text=text,
                    settled=self.settled + len(until),
                    window=window[end - 1 :],
                )
        return replace(self, text=text, window=window)


def before_first(strings: Sequence[str], text: str) -> str:
    """`text` up to the first of `strings` in it."""
    return text[: min((text.find(each) for each in strings if each in text), default=len(text))]
