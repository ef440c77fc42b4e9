"""Simulated models to choose from by name.

Each comes from `fit.py`, run on the traces released with the AutoTTS paper for the model and
benchmark named beside it.
"""

from __future__ import annotations

from autotts_sim.models import PerQuestion, SimulatedModel

# fmt: off
PRESETS = {
    # Like Qwen3-0.6B on AIME 2024.
    "small": SimulatedModel(
        name='sim-small',
        right=(0.789, 0.363, 0.184, 0.164, 0.062, 0.035, 0.016, 0.016, 0.004, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        wrong_answers=PerQuestion(center=1.383, slope=0.078, spread=1.537),
        wrong_discount=0.544,
        unreadable_final=0.007,
        length=PerQuestion(center=-0.896, slope=0.36, spread=0.515),
        length_spread=PerQuestion(center=-0.631, slope=-0.157, spread=0.4),
        short_tail=0.094,
        long_tail=0.0,
        endless=0.021,
        max_tokens=41500,
        length_effect=0.257,
        truncated_right=0.002,
        unprobed=PerQuestion(center=-3.257, slope=-0.105, spread=0.277),
        settled=PerQuestion(center=2.138, slope=0.582, spread=0.889),
        settled_spread=PerQuestion(center=0.3, slope=-0.025, spread=0.238),
        settled_length_effect=0.396,
        stay=0.408,
        guesses=PerQuestion(center=-0.922, slope=-1.758, spread=1.225),
        guess_discount=0.528,
        aim=0.293,
        recall=0.088,
        stray=0.265,
        foresight_start=0.03,
        foresight_end=0.216,
        unreadable=PerQuestion(center=-1.5, slope=-0.229, spread=2.594),
        unreadable_stay=0.503,
        no_share=0.6,
    ),
    # Like Qwen3-1.7B on AIME 2024.
    "medium": SimulatedModel(
        name='sim-medium',
        right=(1.0, 0.984, 0.902, 0.844, 0.707, 0.59, 0.477, 0.406, 0.324, 0.289, 0.242, 0.125, 0.0, 0.0, 0.0),
        wrong_answers=PerQuestion(center=1.141, slope=-0.648, spread=1.264),
        wrong_discount=0.505,
        unreadable_final=0.005,
        length=PerQuestion(center=-0.896, slope=0.556, spread=0.559),
        length_spread=PerQuestion(center=-0.781, slope=-0.06, spread=0.526),
        short_tail=0.047,
        long_tail=0.127,
        endless=0.01,
        max_tokens=41500,
        length_effect=0.612,
        truncated_right=0.092,
        unprobed=PerQuestion(center=-3.079, slope=0.032, spread=0.267),
        settled=PerQuestion(center=1.332, slope=0.779, spread=0.986),
        settled_spread=PerQuestion(center=0.078, slope=0.194, spread=0.291),
        settled_length_effect=0.328,
        stay=0.35,
        guesses=PerQuestion(center=-1.016, slope=-1.508, spread=1.245),
        guess_discount=0.372,
        aim=0.331,
        recall=0.002,
        stray=0.135,
        foresight_start=0.022,
        foresight_end=0.147,
        unreadable=PerQuestion(center=-3.758, slope=-1.147, spread=1.638),
        unreadable_stay=0.337,
        no_share=0.0,
    ),
    # Like Qwen3-8B on AIME 2024.
    "large": SimulatedModel(
        name='sim-large',
        right=(1.0, 1.0, 1.0, 1.0, 0.992, 0.98, 0.953, 0.934, 0.871, 0.844, 0.828, 0.801, 0.121, 0.031, 0.0),
        wrong_answers=PerQuestion(center=0.961, slope=-0.859, spread=0.962),
        wrong_discount=0.497,
        unreadable_final=0.053,
        length=PerQuestion(center=-1.167, slope=0.664, spread=0.477),
        length_spread=PerQuestion(center=-1.072, slope=0.242, spread=0.442),
        short_tail=0.0,
        long_tail=0.224,
        endless=0.01,
        max_tokens=41500,
        length_effect=0.578,
        truncated_right=0.217,
        unprobed=PerQuestion(center=-3.165, slope=-0.073, spread=0.305),
        settled=PerQuestion(center=0.93, slope=0.625, spread=1.13),
        settled_spread=PerQuestion(center=-0.13, slope=0.267, spread=0.36),
        settled_length_effect=0.198,
        stay=0.311,
        guesses=PerQuestion(center=-0.727, slope=-0.531, spread=0.476),
        guess_discount=0.294,
        aim=0.248,
        recall=0.002,
        stray=0.063,
        foresight_start=0.025,
        foresight_end=0.192,
        unreadable=PerQuestion(center=-2.857, slope=-0.998, spread=1.225),
        unreadable_stay=0.281,
        no_share=0.0,
    ),
}
# fmt: on
"""The simulated models by the name that `autotts simulate --preset` takes."""
