"""When usage last came in."""

from datetime import datetime

from django.db.models import Max, OuterRef, Subquery, Sum

from accounts.models import Account
from billing.usage.models import DayTotal, RollupZone
from billing.usage.reading.measures import kept_zone


def latest_arrival(account: Account) -> datetime | None:
    """When the account's newest usage was stored, by the database's clock; None if it never had any."""
    found: datetime | None = DayTotal.objects.filter(account=account).aggregate(at=Max("arrived_at"))["at"]
    return found


def usage_mark(account: Account) -> str:
    """A short text that is another one after any change of the account's usage.

    Both figures are needed: who began to store earlier may be through later, and a correction adds no event. The zone
    of the totals comes along.
    """
    zone = RollupZone.objects.filter(account=OuterRef("account")).values("timezone")
    rows = DayTotal.objects.filter(account=account).order_by().values("account")
    found = rows.annotate(sum=Sum("events"), at=Max("arrived_at"), zone=Subquery(zone)).first()
    if found is None:
        return "0-0.000000"
    kept_zone.tell(account.pk, found["zone"])
    return f"{found['sum']}-{found['at'].timestamp():.6f}"
