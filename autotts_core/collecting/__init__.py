"""Collection: from a model on an engine and a benchmark to a frozen replay store."""
