"""Imports the trace files released with the AutoTTS paper."""

AUTOTTS_CONTRACT = 1
