"""Compare a branch in intervals with one long greedy generation: `greedy.py MODEL BACKEND OPTIONS`.

Prints JSON: whether they are the same, and for each request how many tokens of its prefix were
computed again. Runs where the engine is.
"""

import asyncio
import json
import sys

from autotts_core.engine_branch import BranchSettings, EngineBranch, EngineQuestion
from autotts_core.model_tokenizer import ModelTokenizer
from autotts_core.plugins import registry
from autotts_core.trace_backend import Engine, Sampling

INTERVAL, LENGTH = 150, 600


async def compared(engine: Engine, model: str) -> dict[str, object]:
    facts = await engine.start(model)
    try:
        tokenizer = ModelTokenizer(engine.tokenizer(model))
        prompt, probe = tokenizer.encode("What is one and one? " * 10), tokenizer.encode(" So: ")
        question = EngineQuestion(prompt, probe, " So: ", lambda text: "", tokenizer.decode)
        settings = BranchSettings(INTERVAL, LENGTH, probe_tokens=8, temperature=0.0)
        branch = EngineBranch(engine, question, settings, seed=0)
        continued, probed = [], []
        while not branch.finished:
            before = branch.prompt_tokens - branch.cached_tokens
            await branch.extend(INTERVAL)
            continued.append(branch.prompt_tokens - branch.cached_tokens - before)
            before = branch.prompt_tokens - branch.cached_tokens
            await branch.probed()
            probed.append(branch.prompt_tokens - branch.cached_tokens - before - len(probe))
        whole = await engine.generate(prompt, LENGTH, Sampling(temperature=0.0))
        return {
            "version": facts.version,
            "same": list(whole.token_ids) == list(branch.ids),
            "tokens": branch.tokens,
            "logprobs": len(whole.logprobs or ()),
            # The first request has found nothing yet.
            "computed_again": [*continued[1:], *probed],
            "text": tokenizer.decode(branch.ids) == branch.text,
        }
    finally:
        await engine.close()


if __name__ == "__main__":
    model, backend, options = sys.argv[1:]
    engine = registry().get("trace backend", backend).configure(json.loads(options))
    print(json.dumps(asyncio.run(compared(engine, model))))
