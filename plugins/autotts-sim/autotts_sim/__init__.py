"""Simulated reasoning traces for AutoTTS: no GPU, no download."""

AUTOTTS_CONTRACT = 1
