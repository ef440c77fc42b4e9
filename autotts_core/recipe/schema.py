"""What a recipe may say.

The docstring below a field is its description, in editors too: `autotts recipe schema` prints
the JSON Schema that is made of this.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    NonNegativeInt,
    PositiveInt,
    Tag,
)

Beta = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Pattern = Annotated[str, Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class CollectedStores(_Section):
    """Replay stores that are there already."""

    path: Path
    """A store, or a directory tree of stores; relative to the recipe file."""


class ExecutorChoice(_Section):
    """Where several engines run at a time."""

    name: str
    """An installed executor; `autotts plugins` lists them."""
    options: dict[str, Any] = {}
    """Options of the executor; `autotts plugins show NAME` describes them."""


class SamplingSettings(_Section):
    """How a model's branches are sampled."""

    temperature: Annotated[float, Field(ge=0)] = 0.7
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    top_k: int = -1
    max_tokens: PositiveInt = 32_768
    """Tokens at which a branch is cut off."""
    probe_tokens: PositiveInt = 32
    """Tokens that an answer may take after a probe."""
    at_once: PositiveInt = 256
    """Branches under way at any time: what the engine works on at once, and some more."""
    executor: ExecutorChoice | None = None
    """Where several engines run at a time; none: one engine in this process."""
    confidence: NonNegativeInt = 0
    """Likeliest tokens by which each token's confidence is measured; 0 does not measure it."""
    confidence_window: PositiveInt = 2048
    """Tokens in a row over which confidence is averaged."""
    texts: bool = False
    """Whether what branches and probes write is kept in the stores."""


class StoresToCollect(_Section):
    """Replay stores to be made by a trace backend: one for each model and benchmark."""

    backend: str
    """An installed trace backend; `autotts plugins` lists them."""
    options: dict[str, Any] = {}
    """Options of the backend; `autotts plugins show NAME` describes them."""
    models: Annotated[tuple[str, ...], Field(min_length=1)]
    benchmarks: Annotated[tuple[str, ...], Field(min_length=1)]
    benchmark_options: dict[str, Any] = {}
    """Options of the benchmarks, where an engine is asked their questions."""
    branches: PositiveInt = 128
    """Branches sampled for each question."""
    interval_tokens: PositiveInt = 500
    """Δ: tokens from one probe to the next."""
    sampling: SamplingSettings | None = None
    """Only for backends that sample from a model."""
    seed: Annotated[int, Field(ge=0)] = 0


def _kind_of_stores(entry: Any) -> str | None:
    keys = entry if isinstance(entry, dict) else vars(entry)
    return next((key for key in ("path", "backend") if key in keys), None)


StoresEntry = Annotated[
    Annotated[CollectedStores, Tag("path")] | Annotated[StoresToCollect, Tag("backend")],
    Discriminator(_kind_of_stores),
]


class ExplorerChoice(_Section):
    """What proposes controllers."""

    name: str
    """An installed explorer; `autotts plugins` lists them."""
    options: dict[str, Any] = {}
    """Options of the explorer; `autotts plugins show NAME` describes them."""


class TunerChoice(_Section):
    """What fits the constants of every proposal."""

    name: str
    """An installed tuner; `autotts plugins` lists them."""
    options: dict[str, Any] = {}
    """Options of the tuner; `autotts plugins show NAME` describes them."""


class Selection(_Section):
    """How the one controller is chosen among all proposals, by the search set alone."""

    rule: Literal["highest-accuracy", "best-frontier", "accuracy-at-budget"] = "best-frontier"
    """`highest-accuracy`, at any β, is the paper's. `best-frontier` takes the area of accuracy
    over the logarithm of cost; `accuracy-at-budget` the accuracy at `budget`. The last two
    choose β on some questions and score it on others, and subtract `penalty` standard errors."""
    budget: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Of `accuracy-at-budget`: cost, as a share of that of SC@64."""
    latency: Annotated[float, Field(ge=0, le=1)] = 0.0
    """What sequential tokens weigh in the cost, the rest being tokens; each as a share of SC@64's.
    0 looks for the most frugal controller, 1 for the fastest."""
    span: tuple[Share, Share] = (0.05, 1.0)
    """Of `best-frontier`: from where to where the area is taken, as shares of SC@64's tokens."""
    sequential_span: tuple[Share, Share] = (0.35, 1.0)
    """The same for sequential tokens: shares of SC@64's. `latency` weighs between the spans."""
    folds: Annotated[int, Field(ge=2)] = 5
    """Parts that the questions are split into for cross-validation."""
    penalty: Annotated[float, Field(ge=0)] = 0.5
    """Standard errors, over questions, that are subtracted against luck."""


class Budget(_Section):
    """What a run may spend on exploring; what is finished by then is selected from."""

    dollars: Annotated[float, Field(ge=0)] | None = None
    """For explorers that call paid models; none: no limit."""
    seconds: Annotated[float, Field(gt=0)] | None = None
    """Time spent exploring, over all resumptions; none: no limit."""


class Limits(_Section):
    """What one evaluation of a proposed controller may take."""

    seconds: Annotated[float, Field(gt=0)] = 300
    """Wall-clock time for its whole β grid on all search stores."""
    memory_gib: Annotated[float, Field(ge=1)] = 8
    """Address space of its process."""


class Recipe(_Section):
    """One run of discovery."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
    """What runs are called after; the file's name unless told."""
    description: str = ""
    stores: Annotated[tuple[StoresEntry, ...], Field(min_length=1)]
    """Where replay stores come from."""
    search: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    """The stores that the explorer may see: patterns over MODEL/BENCHMARK, such as */aime24."""
    held_out: tuple[Pattern, ...] = ()
    """The stores that nothing sees before a controller is selected: patterns as in `search`."""
    explorer: ExplorerChoice
    tune: TunerChoice | None = None
    """Structure from the explorer, numbers from replay: each proposal is handed in a second time
    with its constants fitted, where that carries over."""
    rounds: PositiveInt = 5
    betas: Annotated[tuple[Beta, ...], Field(min_length=1)] = (0, 0.2, 0.4, 0.5, 0.6, 0.8, 1)
    """The β grid on which every proposal is scored."""
    seeds: PositiveInt = 100
    """Each question is replayed with seeds 0 to N - 1: orders in which its branches open."""
    baselines: tuple[str, ...] = (
        "self-consistency:branches=1,2,4,8,16,32,64",
        "asc:max_branches=8,16,32,64",
        "esc:max_branches=8,16,32,64",
    )
    """Controllers to compare with, as `autotts evaluate --controller` takes them."""
    selection: Selection = Selection()
    budget: Budget = Budget()
    limits: Limits = Limits()
    seed: Annotated[int, Field(ge=0)] = 0
    """Of everything random in the exploration."""
