"""The background worker: alerts within seconds of usage, and the schedule (README.md)."""
