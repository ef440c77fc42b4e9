"""The report: what a run found, as one value (`findings`) and as one HTML file (`page`)."""
