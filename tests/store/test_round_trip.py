"""What goes into a store comes out again, as arrays and as plain Parquet."""

import hashlib
import json
import pickle
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotts_core.errors import StoreError
from autotts_core.store import ReplayStore, check_store, write_store
from autotts_core.store.manifest import Versioned
from autotts_core.traces import BranchTrace, QuestionTrace, TraceSet


def restored(store: ReplayStore) -> list[QuestionTrace]:
    """The traces, read back from the arrays and texts of the store."""
    arrays = store.load()
    questions = []
    texts = zip(store.question_ids, store.question_texts, store.gold_answers, strict=True)
    for q, (name, text, gold) in enumerate(texts):
        classes = arrays.class_text[arrays.class_start[q] : arrays.class_start[q + 1]]
        branches = []
        for b in range(arrays.branch_start[q], arrays.branch_start[q + 1]):
            steps = slice(arrays.step_start[b], arrays.step_start[b + 1])
            answers = [classes[c] if c >= 0 else "" for c in arrays.step_class[steps]]
            signals = arrays.step_signal[steps].tolist() or None
            tokens = int(arrays.branch_tokens[b])
            branches.append(BranchTrace(answers[:-1], tokens, answers[-1], signals))
        questions.append(QuestionTrace(name, text, gold, branches))
    return questions


def test_arrays_of_a_small_store(store: Path) -> None:
    arrays = ReplayStore.open(store).load()
    assert arrays.branch_start.tolist() == [0, 3, 5]
    assert arrays.step_start.tolist() == [0, 4, 5, 9, 11, 13]
    assert arrays.step_class.tolist() == [0, 1, 2, 2, 3, 1, -1, 1, 1, 0, 1, 2, -1]
    assert arrays.branch_tokens.tolist() == [1200, 300, 1001, 700, 0]
    assert arrays.class_start.tolist() == [0, 4, 7]
    assert arrays.class_correct.tolist() == [False, False, True, False, False, True, False]
    assert arrays.class_text == ["ERR", "41", "42", "No", "\\sqrt 2", "\\sqrt{2}", "1.41"]
    assert arrays.step_signal.shape == (0,)
    assert (arrays.interval_tokens, arrays.exact_accounting) == (500, False)
    types = {
        name: (value.dtype.name, value.flags.c_contiguous, value.flags.writeable)
        for name, value in vars(arrays).items()
        if isinstance(value, np.ndarray)
    }
    # Compiled replay takes the arrays' addresses, so their types are part of the contract.
    assert types == {
        "branch_start": ("int64", True, True),
        "step_start": ("int64", True, True),
        "step_class": ("int32", True, True),
        "step_signal": ("float32", True, True),
        "branch_tokens": ("int32", True, True),
        "class_start": ("int64", True, True),
        "class_correct": ("bool", True, True),
        "step_confidence": ("float32", True, True),
    }


def test_traces_come_back(store: Path, traces: TraceSet) -> None:
    assert restored(ReplayStore.open(store)) == traces.questions


def test_store_tells_what_it_is(store: Path) -> None:
    opened = ReplayStore.open(store)
    assert (opened.path, opened.name) == (store, "tiny/toy")
    assert (opened.model, opened.benchmark) == ("tiny", "toy")
    assert opened.manifest.counts.model_dump() == {
        "questions": 2,
        "answers": 7,
        "branches": 5,
        "probes": 8,
    }
    assert opened.manifest.sampling is None
    assert opened.digest == hashlib.sha256((store / "manifest.json").read_bytes()).hexdigest()


def test_arrays_are_built_once_for_a_store(store: Path) -> None:
    assert ReplayStore.open(store).load() is ReplayStore.open(store).load()


def test_arrays_can_be_sent_to_another_process(store: Path) -> None:
    arrays = ReplayStore.open(store).load()
    sent = pickle.loads(pickle.dumps(arrays))
    assert sent.class_text == arrays.class_text
    np.testing.assert_array_equal(sent.step_class, arrays.step_class)


def test_exact_accounting_and_provenance(tmp_path: Path, traces: TraceSet) -> None:
    write_store(
        tmp_path / "store",
        replace(traces, accounting="exact"),
        sampling={"temperature": 0.6, "seed": None},
        engine=Versioned(name="vllm", version="0.11"),
        prompt="{question}",
        probe="The answer is",
    )
    opened = ReplayStore.open(tmp_path / "store")
    assert opened.load().exact_accounting
    assert opened.manifest.sampling == {"temperature": 0.6, "seed": None}
    assert opened.manifest.engine == Versioned(name="vllm", version="0.11")


def test_missing_signals_are_null_in_the_file_and_nan_in_the_arrays(
    tmp_path: Path, traces: TraceSet
) -> None:
    branches = [BranchTrace(["1"], 600, "2", [-0.5, -0.25]), BranchTrace(["1"], 600, "2")]
    question = replace(traces.questions[0], branches=branches)
    write_store(tmp_path / "store", replace(traces, questions=[question]))
    assert check_store(tmp_path / "store") == []
    signal = ReplayStore.open(tmp_path / "store").load().step_signal
    np.testing.assert_array_equal(signal, np.array([-0.5, -0.25, np.nan, np.nan], np.float32))


def test_confidences_are_columns_of_stores_that_have_them(tmp_path: Path, traces: TraceSet) -> None:
    branches = [
        BranchTrace(["1", "2"], 1200, "2", None, [float("nan"), 9.5, 8.0]),
        BranchTrace(["1", "2", "3"], 1600, "3", None, [float("nan"), 7.0, 7.5, 6.0]),
        BranchTrace([], 300, "2"),
    ]
    question = replace(traces.questions[0], branches=branches)
    write_store(tmp_path / "store", replace(traces, questions=[question]))
    assert check_store(tmp_path / "store") == []
    probes = pq.read_table(tmp_path / "store" / "probes.parquet")
    assert probes["confidence"].to_pylist() == [None, 9.5, None, 7.0, 7.5]
    ends = pq.read_table(tmp_path / "store" / "branches.parquet")
    assert ends["final_confidence"].to_pylist() == [8.0, 6.0, None]
    # What a controller sees is the lowest so far.
    arrays = ReplayStore.open(tmp_path / "store").load()
    nan = float("nan")
    expected = np.array([nan, 9.5, 8.0, nan, 7.0, 7.0, 6.0, nan], np.float32)
    np.testing.assert_array_equal(arrays.step_confidence, expected)


def test_files_open_as_plain_parquet(store: Path) -> None:
    dataset = pytest.importorskip("pyarrow.dataset")
    probes = dataset.dataset(store / "probes.parquet")
    assert {field.name: str(field.type) for field in probes.schema} == {
        "question": "int32",
        "branch": "int32",
        "interval": "int32",
        "answer": "int32",
        "signal": "float",
    }
    rows = probes.to_table(filter=dataset.field("question") == 1).to_pylist()
    assert [(row["branch"], row["interval"], row["answer"]) for row in rows] == [
        (0, 1, 0),
        (1, 1, 2),
    ]
    answers = dataset.dataset(store / "answers.parquet").to_table().to_pylist()
    assert answers[2] == {
        "question": 0,
        "answer": 2,
        "text": "42",
        "answer_class": 2,
        "correct": True,
    }
    branches = dataset.dataset(store / "branches.parquet").to_table().to_pylist()
    assert branches[1] == {
        "question": 0,
        "branch": 1,
        "tokens": 300,
        "intervals": 0,
        "final_answer": 3,
        "final_signal": None,
    }


def test_same_traces_give_the_same_bytes(tmp_path: Path, traces: TraceSet) -> None:
    contents = []
    for name in ("one", "two"):
        write_store(tmp_path / name, traces)
        contents.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert contents[0] == contents[1]
    assert len(contents[0]) == 5


# Few letters, so that answers meet; any character at all, so that nothing is lost on the way.
answer_texts = st.sampled_from(["", "1", "2", "2 ", "ERR"]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=4
)


@st.composite
def branch_traces(draw: st.DrawFn, with_signals: bool) -> BranchTrace:
    tokens = draw(st.integers(0, 600))
    probes = draw(st.lists(answer_texts, max_size=tokens // 100 + 1))
    signal = st.floats(max_value=0, min_value=-1e6, width=32).filter(lambda value: value == value)
    signals = st.lists(signal, min_size=len(probes) + 1, max_size=len(probes) + 1)
    drawn = draw(signals) if with_signals else None
    return BranchTrace(probes, tokens, draw(answer_texts), drawn)


@st.composite
def question_lists(draw: st.DrawFn) -> list[QuestionTrace]:
    branch = branch_traces(draw(st.booleans()))
    return [
        QuestionTrace(str(number), draw(answer_texts), draw(answer_texts), branches)
        for number, branches in enumerate(
            draw(st.lists(st.lists(branch, min_size=1, max_size=5), min_size=1, max_size=4))
        )
    ]


@settings(deadline=None)
@given(question_lists())
def test_any_traces_come_back(questions: list[QuestionTrace]) -> None:
    traces = TraceSet("m", "b", 100, "published", "made up", questions)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "store")
        write_store(path, traces)
        assert check_store(path) == []
        opened = ReplayStore.open(path)
        assert restored(opened) == questions
        arrays = opened.load()
        gold = np.repeat(np.array(opened.gold_answers, object), np.diff(arrays.class_start))
        assert (np.array(arrays.class_text, object) == gold).tolist() == (
            arrays.class_correct.tolist()
        )


def edit_manifest(store: Path, **changes: Any) -> None:
    path = store / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_open_refuses_what_is_no_store(tmp_path: Path, store: Path) -> None:
    with pytest.raises(StoreError, match="nowhere: no such directory"):
        ReplayStore.open(tmp_path / "nowhere")
    with pytest.raises(StoreError, match=r"a file, but a replay store is a directory"):
        ReplayStore.open(store / "probes.parquet")
    with pytest.raises(StoreError, match=r"not a replay store, for it has no manifest\.json"):
        ReplayStore.open(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(StoreError, match=r"'format' is None, not 'autotts-replay-store'"):
        ReplayStore.open(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(StoreError, match=r"manifest\.json: not readable as JSON"):
        ReplayStore.open(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "'format' is 'other'"),
        ({"version": 2}, r"format version 2 is newer than this AutoTTS reads \(1\). Upgrade"),
        ({"version": "1"}, "key 'version': .*got '1'"),
        ({"interval_tokens": "500"}, "key 'interval_tokens': .*valid integer .*got '500'"),
        ({"interval_tokens": 0}, "key 'interval_tokens': .*greater than 0"),
        ({"accounting": "guessed"}, "key 'accounting': .*'published' or 'exact'.*got 'guessed'"),
        ({"colour": "red"}, "key 'colour': .*not permitted"),
        ({"model": "../up"}, "key 'model': .*must begin with a letter"),
        ({"files": {"probes.parquet": {"bytes": 1, "rows": 1}}}, "probes.parquet.sha256"),
    ],
)
def test_open_names_the_key_that_is_wrong(
    store: Path, changes: dict[str, Any], message: str
) -> None:
    edit_manifest(store, **changes)
    with pytest.raises(StoreError, match=message) as error:
        ReplayStore.open(store)
    assert str(store / "manifest.json") in str(error.value)


def test_load_refuses_a_changed_file(store: Path) -> None:
    path = store / "probes.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match=r"probes\.parquet: differs from its checksum"):
        ReplayStore.open(store).load()
    path.unlink()
    with pytest.raises(StoreError, match=r"probes\.parquet: missing"):
        ReplayStore.open(store).load()
    edit_manifest(store, files={})
    with pytest.raises(StoreError, match=r"'files' does not list branches\.parquet"):
        ReplayStore.open(store).load()
