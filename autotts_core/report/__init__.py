"""The report: what a run found, as one value (`findings`) and as one HTML file (`page`)."""

MOST_EPISODES = 600
"""Episodes of a run that its report carries unless told otherwise."""
