"""The agent: a model that reads the evidence, tries controllers, and hands one in."""
