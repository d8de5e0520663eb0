"""Quantities from day totals and events: each aggregation at each instant asked for, in a few queries."""
