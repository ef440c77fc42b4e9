"""AutoTTS: test-time-scaling strategies found by program search over replayed traces."""

__version__ = "0.1.0"
