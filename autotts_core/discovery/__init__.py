"""Discovery: rounds of proposals, scored by replay, until one controller is selected."""
