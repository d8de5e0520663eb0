"""Changes of billing/limits, each in one transaction."""

from billing.limits.actions.alerts import raise_alerts
from billing.limits.actions.drills import NothingToTry, TooManyDrills, start_drill
from billing.limits.actions.limits import set_limit
from billing.limits.actions.pace import raise_pace_alerts
from billing.limits.actions.refusals import note_refusal
from billing.limits.actions.stops import time_stops, untimed_stops

__all__ = [
    "NothingToTry",
    "TooManyDrills",
    "note_refusal",
    "raise_alerts",
    "raise_pace_alerts",
    "set_limit",
    "start_drill",
    "time_stops",
    "untimed_stops",
]
