"""Changes of billing/limits, each in one transaction."""

from billing.limits.actions.alerts import raise_alerts
from billing.limits.actions.committing import NotStored, commit, give_back
from billing.limits.actions.drills import NothingToTry, TooManyDrills, start_drill
from billing.limits.actions.limits import set_limit
from billing.limits.actions.pace import raise_pace_alerts
from billing.limits.actions.refusals import note_refusal
from billing.limits.actions.reserving import Ask, Refused, make_ask, purge_reservations, reserve
from billing.limits.actions.stops import time_stops, untimed_stops

__all__ = [
    "Ask",
    "NotStored",
    "NothingToTry",
    "Refused",
    "TooManyDrills",
    "commit",
    "give_back",
    "make_ask",
    "note_refusal",
    "purge_reservations",
    "raise_alerts",
    "raise_pace_alerts",
    "reserve",
    "set_limit",
    "start_drill",
    "time_stops",
    "untimed_stops",
]
