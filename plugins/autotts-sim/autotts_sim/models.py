"""What a simulated model is: the distributions its reasoning branches are drawn from."""

from __future__ import annotations

from dataclasses import dataclass, fields

from autotts_core.errors import OptionError


@dataclass(frozen=True, slots=True)
class PerQuestion:
    """A quantity that differs between questions: normal on the scale that its name comes with.

    For a question of difficulty d it is `center + slope * d + spread * N(0, 1)`. Difficulty is
    standard normal over a benchmark's questions, so `center` is that of a middling question.
    """

    center: float
    slope: float
    spread: float


@dataclass(frozen=True, slots=True)
class SimulatedModel:
    """A reasoning model, as far as its branches' lengths, probes and final answers go.

    Raises `OptionError` where a value is impossible.
    """

    name: str
    """What stores call it."""

    right: tuple[float, ...]
    """Shares of branches that end with the right answer, one for each of equally large groups
    of questions, from the easiest to the hardest. 0 is hopeless."""
    wrong_answers: PerQuestion
    """Log concentration of the wrong final answers: the larger, the more different ones."""
    wrong_discount: float
    """In [0, 1). Pitman-Yor discount of the wrong answers: the larger, the longer the tail."""
    unreadable_final: float
    """Share of the wrong branches that end with an answer that cannot be read."""

    length: PerQuestion
    """Logit of a question's median branch length, as a share of `ceiling_tokens`."""
    length_spread: PerQuestion
    """Log of the standard deviation of such logits within a question, tails aside."""
    short_tail: float
    """Tukey's h of the shorter half of the lengths: 0 is logit-normal, more has more outliers."""
    long_tail: float
    """Tukey's h of the longer half of the lengths."""
    endless: float
    """Share of the branches that loop until they are cut off, whatever their question."""
    max_tokens: int
    """Where generation is cut off; see `truncation_tokens`."""
    length_effect: PerQuestion
    """Inverse hyperbolic tangent of the correlation between being long and being wrong, within a
    question. It differs much: in some questions the branches that end early are no better."""
    truncated_right: float
    """Of the truncated branches that would be right by the above, the share that stays right."""

    unprobed: PerQuestion
    """Log of the share of a branch, at its end, that gets no probe (it writes its solution)."""

    settled: PerQuestion
    """Logit of the median share of a branch's probes before it settles on its final answer."""
    settled_spread: PerQuestion
    """Log of the standard deviation, on the logit scale, of that share within a question."""
    settled_length_effect: float
    """In (-1, 1). Correlation between being long and settling late, within a question."""

    stay: float
    """Probability that the answer in mind is the last interval's, before the branch settles."""
    guesses: PerQuestion
    """Log concentration of the guesses that a question's branches share before they settle."""
    guess_discount: float
    """In [0, 1). Pitman-Yor discount of the guesses."""
    aim: float
    """Share of a question's guesses that are wrong final answers, too."""
    stray: float
    """Share of the changes of mind, just before the branch settles, that hardly any other branch
    comes upon; none at its start, linear in between."""
    foresight_start: float
    """Share of the changes of mind that go to the branch's own final answer, at its start."""
    foresight_end: float
    """The same, just before it settles; linear in between."""
    unreadable: PerQuestion
    """Logit of the share of probes before settling that cannot be read."""
    unreadable_stay: float
    """In [0, 1). How much likelier a probe is unreadable after an unreadable one."""
    no_share: float
    """Share of the questions whose unreadable probes say `No`; those of the others say `ERR`."""

    truncation_tokens: int = 600
    """A truncated branch has up to this many tokens fewer than `max_tokens`."""
    ceiling_tokens: int = 50_000
    """What lengths would tend to, were they not cut off."""
    min_tokens: int = 1_000
    """The shortest branch."""
    interval_tokens: int = 500
    """Tokens in an interval."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _SHARES and not 0 <= value <= 1:
                raise OptionError(
                    f"simulated model {self.name!r}: {field.name!r} must be from 0 to 1, it is "
                    f"{value}."
                )
        falling = sorted(self.right, reverse=True)
        if not falling or list(self.right) != falling or falling[0] > 1 or falling[-1] < 0:
            raise OptionError(
                f"simulated model {self.name!r}: 'right' must be one or more shares from 0 to 1 "
                f"that never rise, it is {self.right}."
            )
        for key in ("wrong_discount", "guess_discount"):
            if getattr(self, key) == 1:
                raise OptionError(f"simulated model {self.name!r}: {key!r} must be below 1.")
        if not -1 <= self.settled_length_effect <= 1:
            raise OptionError(
                f"simulated model {self.name!r}: 'settled_length_effect' must be from -1 to 1, it "
                f"is {self.settled_length_effect}."
            )
        if self.short_tail < 0 or self.long_tail < 0:
            raise OptionError(f"simulated model {self.name!r}: a tail must not be below 0.")
        shortest = self.max_tokens - self.truncation_tokens
        if (
            not 0
            < self.interval_tokens
            <= self.min_tokens
            < shortest
            <= self.max_tokens
            < self.ceiling_tokens
        ):
            raise OptionError(
                f"simulated model {self.name!r}: tokens must be in this order: 0 < interval_tokens "
                "<= min_tokens < max_tokens - truncation_tokens <= max_tokens < ceiling_tokens."
            )


_SHARES = {
    "wrong_discount",
    "unreadable_final",
    "endless",
    "truncated_right",
    "stay",
    "guess_discount",
    "aim",
    "stray",
    "foresight_start",
    "foresight_end",
    "unreadable_stay",
    "no_share",
}
