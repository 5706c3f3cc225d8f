"""Offline only; never imported at run time."""
