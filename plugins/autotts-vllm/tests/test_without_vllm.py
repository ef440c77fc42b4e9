"""What the backend says where vLLM is not. With it: tests/engines."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from pathlib import Path

import pytest

from autotts_core.errors import EngineError, OptionError
from autotts_core.plugins import registry

WITHOUT = pytest.mark.skipif(
    importlib.util.find_spec("vllm") is not None, reason="vLLM is installed here"
)


@WITHOUT
def test_it_says_how_to_install_it(tmp_path: Path) -> None:
    engine = registry().get("trace backend", "vllm").configure({})
    with pytest.raises(EngineError, match=r"vLLM is not installed here .*: pip install vllm"):
        asyncio.run(engine.start(str(tmp_path)))


def test_options_come_as_json_or_as_a_mapping(tmp_path: Path) -> None:
    vllm = registry().get("trace backend", "vllm")
    given = {"dtype": "float32"}
    for value in (given, json.dumps(given)):
        assert vllm.configure({"engine_args": value}).options.engine_args == given
    assert vllm.configure({"tokenizer": tmp_path}).tokenizer("x") == tmp_path
    assert vllm.configure({}).tokenizer(str(tmp_path)) == tmp_path
    with pytest.raises(OptionError, match="engine_args"):
        vllm.configure({"engine_args": "[1]"})
