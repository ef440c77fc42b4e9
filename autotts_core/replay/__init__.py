"""Replaying stores under control: compiled by the million, interpreted with a full trace."""
