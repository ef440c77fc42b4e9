"""What a worker may say: its messages come from where untrusted code runs, so nothing is taken
for granted of them."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from autotts_core.visible_text import visible_lines

Line = Annotated[str, AfterValidator(lambda text: visible_lines(text, 200))]
Told = Annotated[str, AfterValidator(lambda text: visible_lines(text, 4000))]


class Message(BaseModel):
    """One message, of exactly these fields."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Trouble(Message):
    """Instead of any other: a fault of the controller, or a failure of the worker."""

    fault: Told | None = None
    failure: Told | None = None


class Loaded(Message):
    """The controller is there."""

    depends_on_beta: bool


class Scheduled(Message):
    """What the schedule gives at one β."""

    parameters: Annotated[
        dict[str, bool | int | Annotated[float, Field(allow_inf_nan=False)]], Field(max_length=1000)
    ]


class Rescheduled(Message):
    """Another schedule is in place."""

    rescheduled: bool


class ReplayedStore(Message):
    """Of a store's episodes, beside their outcomes and ledgers: why they stopped, and notes."""

    reasons: Annotated[list[Line], Field(min_length=1, max_length=10_000)]
    warnings: Annotated[list[Told], Field(max_length=10)]


class PlayedEpisode(Message):
    """Of one episode, beside its ledger."""

    answer_class: int
    stop: Line


class Asked(Message):
    """In an audit: episodes that wait for what they asked for, and those that have ended.

    Ends are (episode, answer id, number of the reason why it stopped).
    """

    asking: list[int]
    ends: list[Annotated[list[int], Field(min_length=3, max_length=3)]]
