"""The limits page: the bar, the form, the alerts of this period, and every change there was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext

from accounts.models import Account
from billing.limits.models import Alert, LimitVersion
from billing.limits.queries import LimitStanding, Standing, State, standing
from billing.limits.queries.versions import latest_version
from billing.limits.terms import THRESHOLDS
from billing.plans.models import Meter, Period
from billing.plans.queries import current_period, running_subscription
from billing.pricing.charges import Plan
from billing.pricing.money import minor_units
from portal import dates, formats
from portal.pages import forecasts
from portal.pages.figures import period_figures
from portal.pages.limit_bar import LimitBar, limit_bar

HISTORY = 50


@dataclass(frozen=True, slots=True)
class Threshold:
    percent: str
    amount: str


@dataclass(frozen=True, slots=True)
class LimitForm:
    """What the form holds: as stored, or as typed with its errors. Without a limit nothing is chosen."""

    amount: str = ""
    action: str = ""
    thresholds: tuple[Threshold, ...] = ()
    errors: tuple[tuple[str, str], ...] = ()

    def error(self, field: str) -> str:
        return next((sentence for name, sentence in self.errors if name == field), "")

    @property
    def amount_error(self) -> str:
        return self.error("amount")

    @property
    def action_error(self) -> str:
        return self.error("action")

    @property
    def thresholds_error(self) -> str:
        return self.error("thresholds")


@dataclass(frozen=True, slots=True)
class MeterLimit:
    code: str
    name: str
    standing: LimitStanding


@dataclass(frozen=True, slots=True)
class AlertRow:
    at: datetime
    what: str
    spent: Decimal
    recipients: str
    delivered: bool
    error: str


@dataclass(frozen=True, slots=True)
class Change:
    at: datetime
    what: str
    by: str
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class LimitsPage:
    currency: str
    as_of: datetime
    standing: Standing
    bar: LimitBar | None
    period: Period | None
    base_price: Decimal
    meter: Meter | None
    meter_name: str
    form: LimitForm
    meter_limits: Sequence[MeterLimit]
    free_meters: Sequence[tuple[str, str]]
    alerts: Sequence[AlertRow]
    failed: int
    history: Sequence[Change]

    @property
    def last_day(self) -> date | None:
        return dates.last_day(self.period.end_day) if self.period else None

    @property
    def stops(self) -> bool:
        return self.bar is not None and self.bar.stops

    @property
    def stopped(self) -> bool:
        return self.bar is not None and self.bar.state is State.STOPPED


def limits_page(
    account: Account, at: datetime, meter: Meter | None, form: LimitForm | None = None
) -> LimitsPage:
    """The page for the account's limit, or with `meter` for that meter's; `form` is what was typed, if
    anything."""
    subscription = running_subscription(account)
    running = current_period(subscription, at) if subscription else None
    figures = period_figures(account, running, at, compare=False) if running else None
    now = standing(account, at, figures.rated if figures else None)
    own = next((one for one in now.limits if one.meter == meter), None)
    period, crossing = now.period, None
    if figures and own and meter is None:
        met = forecasts.crossing(forecasts.period_forecast(account, figures), figures, own.amount)
        crossing = met[1] if met else None
    plan = figures.plan if figures else None
    currency = account.currency
    bar = limit_bar(own, period, currency, crossing) if period else None
    names = _meter_names(plan) if plan else {}
    limited = {one.meter.code for one in now.meters if one.meter}
    alerts = (
        list(Alert.objects.filter(account=account, period=period).select_related("limit__meter"))
        if period
        else []
    )
    return LimitsPage(
        currency=currency,
        as_of=at,
        standing=now,
        bar=bar,
        period=period,
        base_price=plan.base_price if plan else Decimal(0),
        meter=meter,
        meter_name=formats.text_of(meter.name) if meter else "",
        form=form or stored_form(account, meter),
        meter_limits=[
            MeterLimit(one.meter.code, formats.text_of(one.meter.name), one)
            for one in now.meters
            if one.meter
        ],
        free_meters=[(code, name) for code, name in names.items() if code not in limited],
        alerts=[_alert(one, currency) for one in alerts],
        failed=sum(1 for one in alerts if one.error),
        history=_history(account, currency),
    )


def stored_form(account: Account, meter: Meter | None) -> LimitForm:
    """The limit that holds; nothing preselected where there is none."""
    version = latest_version(account, meter)
    if version is None or version.amount is None:
        return LimitForm(thresholds=threshold_rows([str(one) for one in THRESHOLDS], None, account.currency))
    digits = minor_units(account.currency)
    return LimitForm(
        amount=f"{version.amount:.{digits}f}",
        action=version.action,
        thresholds=threshold_rows([str(one) for one in version.thresholds], version.amount, account.currency),
    )


def threshold_rows(percents: Sequence[str], amount: Decimal | None, currency: str) -> tuple[Threshold, ...]:
    """The stored percents with their amounts, and empty fields up to three."""
    rows = [
        Threshold(
            one,
            formats.money(amount * int(one) / 100, currency)
            if amount is not None and one.isdecimal()
            else "",
        )
        for one in percents
    ]
    return (*rows, *(Threshold("", "") for _ in range(3 - len(rows))))


def _meter_names(plan: Plan) -> dict[str, str]:
    return {charge.meter: formats.text_of(charge.name) for charge in plan.charges}


def _alert(alert: Alert, currency: str) -> AlertRow:
    percent = formats.percent(Decimal(alert.threshold) / 100)
    amount = formats.money(alert.limit.amount or Decimal(0), currency)
    what = gettext("%(percent)s of %(amount)s") % {"percent": percent, "amount": amount}
    if alert.limit.meter:
        what = f"{formats.text_of(alert.limit.meter.name)}: {what}"
    return AlertRow(
        alert.created_at,
        what,
        alert.spent,
        ", ".join(alert.recipients),
        alert.sent_at is not None,
        alert.error,
    )


def _history(account: Account, currency: str) -> list[Change]:
    """Every version with what it changed, newest first."""
    versions = list(
        LimitVersion.objects.filter(account=account).select_related("meter", "created_by").order_by("since")
    )
    before: dict[object, LimitVersion] = {}
    rows = []
    for version in versions:
        what = _words(before.get(version.meter_id), version, currency)
        if version.meter:
            what = f"{formats.text_of(version.meter.name)}: {what}"
        rows.append(
            Change(version.since, what, str(version.created_by or gettext("API or staff")), version.amount)
        )
        before[version.meter_id] = version
    return rows[::-1][:HISTORY]


def _words(before: LimitVersion | None, now: LimitVersion, currency: str) -> str:
    stops = now.action == LimitVersion.Action.STOP
    if now.amount is None:
        return gettext("Limit removed")
    if before is None or before.amount is None:
        return gettext("Limit set, with stop") if stops else gettext("Limit set, to be told")
    if now.amount > before.amount:
        return gettext("Limit raised; alerts above it armed again")
    if now.amount < before.amount:
        return gettext("Limit lowered")
    if now.action != before.action:
        return gettext("Now stops at the limit") if stops else gettext("Now only tells you at the limit")
    return gettext("Alerts changed")
