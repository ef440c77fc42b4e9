"""Collect a real store on a GPU, end to end, and print what a reader needs to believe it.

    python benchmarks/gpu/collection.py [--model DIR] [--backend vllm] [--out DIR]

Runs where the engine is, with `autotts-core`, `autotts-benchmarks`, `autotts-controllers`,
`autotts-sim` and the backend's plugin beside it; needs no network if the model is a directory.
Without `--model` it makes one of Qwen3-0.6B's shape with random weights and a byte tokenizer: it
says nothing, as fast as the real one would. Prints the machine, the ratio to the bare engine (see
`benchmarks/collection.py`), what `autotts collect` says, and what replay makes of the store.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

HERE = Path(__file__).resolve().parent
SHAPE = {
    "vocab_size": 151_936,
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 40_960,
    "tie_word_embeddings": True,
}
"""Qwen3-0.6B's, as its config.json has it."""


def make_model(directory: Path, shape: dict[str, Any]) -> None:
    """A model with random weights, and a tokenizer whose ids are bytes."""
    import torch
    from autotts_sim.engine import SimulatedEngine
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    # Its end is a token that hardly any branch comes across, so that they are as long as asked.
    config = Qwen3Config(**shape, bos_token_id=None, eos_token_id=shape["vocab_size"] - 1)
    Qwen3ForCausalLM(config).to(torch.bfloat16).save_pretrained(directory)
    tokenizer = SimulatedEngine().tokenizer("any") / "tokenizer.json"
    PreTrainedTokenizerFast(tokenizer_file=str(tokenizer)).save_pretrained(directory)


def told(*command: object) -> str:
    """What a command prints; its own words where it fails."""
    done = subprocess.run([str(each) for each in command], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise click.ClickException(f"{command[:4]}: ended with {done.returncode}")
    return done.stdout.strip()


@click.command()
@click.option("--model", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--backend", default="vllm", show_default=True)
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE")
@click.option("--questions", default=4, show_default=True)
@click.option("--branches", default=128, show_default=True)
@click.option("--max-tokens", default=4000, show_default=True)
@click.option("--at-once", default=256, show_default=True)
@click.option("--rounds", default=2, show_default=True)
@click.option("--layers", default=SHAPE["num_hidden_layers"], help="Of the model that is made.")
@click.option("--out", type=click.Path(path_type=Path), help="Keep the store there.")
def main(
    model: Path | None,
    backend: str,
    options: tuple[str, ...],
    questions: int,
    branches: int,
    max_tokens: int,
    at_once: int,
    rounds: int,
    layers: int,
    out: Path | None,
) -> None:
    given = [part for option in options for part in ("--option", option)]
    with tempfile.TemporaryDirectory() as scratch:
        if model is None:
            model = Path(scratch) / "random-0.6b"
            make_model(model, SHAPE | {"num_hidden_layers": layers})
        folder = out or Path(scratch) / "stores"
        print(f"machine: {machine()}")
        compared = told(
            *(sys.executable, HERE.parent / "collection.py", "--model", model, *given),
            *("--backend", backend, "--questions", questions, "--branches", branches),
            *("--max-tokens", max_tokens, "--at-once", at_once, "--rounds", rounds),
        )
        print(f"\n{compared}\n")
        autotts = (sys.executable, "-m", "autotts_core")
        collected = json.loads(
            told(
                *(*autotts, "collect", model, "arithmetic", "--backend", backend, *given),
                *("--benchmark-option", f"questions={questions}"),
                *("--benchmark-option", "form=completion", "--branches", branches),
                *("--max-tokens", max_tokens, "--at-once", at_once),
                *("--seed", 1_000, "--out", folder, "--json"),
            )
        )
        for key, value in collected.items():
            print(f"{key:<28} {value}")
        print(f"\n{told(*autotts, 'traces', 'check', folder)}")
        spec = f"self-consistency:branches=1,{min(branches, 64)}"
        print(told(*autotts, "evaluate", "--traces", folder, "--controller", spec))


def machine() -> str:
    """The GPU, its driver, and the system."""
    try:
        query = ("--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
        gpu = told("nvidia-smi", *query)
    except FileNotFoundError:
        gpu = "no NVIDIA GPU"
    return f"{gpu}; Python {platform.python_version()} on {platform.platform()}"


if __name__ == "__main__":
    main()
