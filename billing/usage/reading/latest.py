"""When usage last came in."""

from datetime import datetime

from django.db.models import Max, Sum

from accounts.models import Account
from billing.usage.models import DayTotal


def latest_arrival(account: Account) -> datetime | None:
    """When the account's newest usage was stored, by the database's clock; None if it never had any."""
    found: datetime | None = DayTotal.objects.filter(account=account).aggregate(at=Max("arrived_at"))["at"]
    return found


def usage_mark(account: Account) -> str:
    """A short text that is another one after any change of the account's usage.

    Both figures are needed: who began to store earlier may be through later, and a correction adds no event.
    """
    found = DayTotal.objects.filter(account=account).aggregate(events=Sum("events"), at=Max("arrived_at"))
    at: datetime | None = found["at"]
    return f"{found['events'] or 0}-{at.timestamp() if at else 0:.6f}"
