"""Recipes: YAML files that combine plugins into one run."""
