"""The controllers of the literature for AutoTTS: self-consistency, ASC, ESC, Parallel-Probe, CMC."""

AUTOTTS_CONTRACT = 1
