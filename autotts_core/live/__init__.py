"""Controllers in front of an engine: the same source, on branches that are generated as it asks."""
