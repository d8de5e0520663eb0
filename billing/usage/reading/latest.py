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
    totals = DayTotal.objects.filter(account=OuterRef("account")).order_by().values("account")
    events, last = totals.annotate(sum=Sum("events")), totals.annotate(max=Max("arrived_at"))
    rows = RollupZone.objects.filter(account=account)
    found = rows.values_list("timezone", Subquery(events.values("sum")), Subquery(last.values("max"))).first()
    zone, count, at = found or (None, None, None)
    kept_zone.tell(account.pk, zone)
    return f"{count or 0}-{at.timestamp() if at else 0:.6f}"
