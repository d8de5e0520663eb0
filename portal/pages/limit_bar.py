"""The limit bar of the overview and the limits page: how much of the limit is used, and what happens at
it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext, pgettext

from accounts.reading import once
from billing.limits.models import Alert, LimitVersion
from billing.limits.queries import LimitStanding, State
from billing.plans.models import Period
from portal import dates, formats
from portal.charts import Gauge, gauge

NEAR: Final = 80
_SIGNS: Final = {
    State.WITHIN: ("ok", "ok"),
    State.NEAR: ("warn", "warn"),
    State.REACHED: ("warn", "warn"),
    State.STOPPED: ("bad", "stop"),
}


@dataclass(frozen=True, slots=True)
class LimitBar:
    """`used` is before waivers, as the allowance counts. `crossing` is the day on which the pace leads to
    it. `failed`: why the newest alert of the period, of any limit, could not be mailed to somebody."""

    limit: LimitVersion
    amount: Decimal
    used: Decimal
    left: Decimal
    share: Decimal
    waived: Decimal
    state: State
    gauge: Gauge
    crossing: date | None
    reached_at: datetime | None
    resets: date
    failed: str

    @property
    def stops(self) -> bool:
        return self.limit.action == LimitVersion.Action.STOP

    @property
    def icon(self) -> str:
        return _SIGNS[self.state][1]

    @property
    def tone(self) -> str:
        return _SIGNS[self.state][0]

    @property
    def meter(self) -> dict[str, str]:
        """The attributes of `<meter>`, whose numbers are written without any language's marks."""
        return {"max": f"{self.amount:f}", "high": f"{self.amount * NEAR / 100:f}", "value": f"{self.used:f}"}


@once
def alerts_in(period: Period) -> Sequence[Alert]:
    """The alerts of a running period, newest first, with their limits."""
    rows = Alert.objects.filter(account=period.account_id, period=period)
    return list(rows.select_related("limit__meter"))


def limit_bar(
    limit: LimitStanding | None, period: Period, currency: str, crossing: date | None = None
) -> LimitBar | None:
    """The bar of one limit in the running period; None without a limit."""
    if limit is None:
        return None
    version, amount = limit.version, limit.amount
    of_period = alerts_in(period)
    alerts = [alert for alert in of_period if alert.limit_id == version.pk]
    stops = version.action == LimitVersion.Action.STOP
    reached = min((alert.created_at for alert in alerts if alert.threshold >= 100), default=None)
    return LimitBar(
        limit=version,
        amount=amount,
        used=limit.spent,
        left=limit.remaining,
        share=limit.share if limit.share is not None else Decimal(1),
        waived=limit.waived,
        state=limit.state,
        gauge=gauge(
            limit.spent,
            amount,
            [(at, _amount_at(amount, at, currency), _told(alerts, at)) for at in version.thresholds],
            (formats.money_short(amount, currency), _at_limit(stops, reached)),
            limit.state is State.STOPPED,
        ),
        crossing=crossing,
        reached_at=reached,
        resets=period.end_day,
        failed=next((alert.error for alert in of_period if alert.error), ""),
    )


def _amount_at(amount: Decimal, threshold: int, currency: str) -> str:
    return formats.money_short(amount * threshold / 100, currency)


def _told(alerts: Iterable[Alert], threshold: int) -> str:
    at = next((alert.created_at for alert in alerts if alert.threshold == threshold), None)
    if at is None:
        return formats.percent(Decimal(threshold) / 100)
    return pgettext("limit bar", "told %(day)s") % {"day": dates.day(at, "MMMd")}


def _at_limit(stops: bool, reached: datetime | None) -> str:
    if reached is not None:
        return dates.day(reached, "MMMd")
    return pgettext("limit bar", "stops here") if stops else gettext("told here")
