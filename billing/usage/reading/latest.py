"""When usage last came in."""

from datetime import datetime

from django.db.models import Max

from accounts.models import Account
from billing.usage.models import DayTotal


def latest_arrival(account: Account) -> datetime | None:
    """When the account's newest usage was stored, by the database's clock; None if it never had any."""
    found: datetime | None = DayTotal.objects.filter(account=account).aggregate(at=Max("arrived_at"))["at"]
    return found
