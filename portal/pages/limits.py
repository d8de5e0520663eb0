"""The limits page: the bar, the form, the alerts of this period, and every change there was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.utils.translation import gettext

from accounts.models import Account
from billing.limits.models import Alert, Drill, LimitVersion
from billing.limits.queries import (
    Firing,
    LimitStanding,
    Standing,
    State,
    firings,
    limit_versions,
    standing,
)
from billing.limits.terms import THRESHOLDS
from billing.plans.models import Meter, Period
from billing.pricing.charges import Plan
from billing.pricing.money import minor_units
from portal import dates, formats
from portal.pages import forecasts
from portal.pages.figures import period_figures
from portal.pages.limit_bar import LimitBar, alerts_in, limit_bar
from portal.pages.periods import period_holding
from portal.pages.receipts import ReceiptPage, StopRow, author, newest_receipt, stop_row

HISTORY = 50
STOPS = 12
DRILLS = 3


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
    pace: bool = True
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
    """`told`: the percents at which the account is told."""

    code: str
    name: str
    told: str
    standing: LimitStanding


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert or a drill. `sent_to` are those who have it, `errors` says whose mail failed and why."""

    at: datetime
    what: str
    spent: Decimal | None
    sent_to: Sequence[str]
    errors: Sequence[str]
    done: bool
    by: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """`stop`: the receipt of a stop, where that is what happened. `note`: why staff did it."""

    at: datetime
    what: str
    by: str
    amount: Decimal | None
    note: str = ""
    stop: UUID | None = None


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
    drills: Sequence[AlertRow]
    receipt: ReceiptPage | None
    receipts: Sequence[StopRow]
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

    @property
    def stops_here(self) -> MeterLimit | None:
        """The meter whose own limit refuses usage, on the account's page."""
        stopped = (one for one in self.meter_limits if one.standing.state is State.STOPPED)
        return next(stopped, None) if self.meter is None else None


def limits_page(
    account: Account, at: datetime, meter: Meter | None, form: LimitForm | None = None
) -> LimitsPage:
    """The page for the account's limit, or with `meter` for that meter's; `form` is what was typed, if
    anything."""
    running = period_holding(account, at)
    figures = period_figures(account, running, at) if running else None
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
    told, stops = alerts_in(period) if period else (), firings(account, STOPS)
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
        meter_limits=[_meter_limit(one.meter, one) for one in now.meters if one.meter],
        free_meters=[(code, name) for code, name in names.items() if code not in limited],
        alerts=[_alert(one, currency) for one in told],
        failed=sum(len(_errors(one)) for one in told),
        drills=[_drill(one) for one in _drills(account)],
        receipt=newest_receipt(account, stops, figures.rated if figures else None),
        receipts=[stop_row(account, one) for one in stops],
        history=_history(account, stops),
    )


def stored_form(account: Account, meter: Meter | None) -> LimitForm:
    """The limit that holds; nothing preselected where there is none."""
    found = (version for version in reversed(limit_versions(account.pk)) if version.meter == meter)
    version = next(found, None)
    if version is None or version.amount is None:
        return LimitForm(thresholds=threshold_rows([str(one) for one in THRESHOLDS], None, account.currency))
    digits = minor_units(account.currency)
    return LimitForm(
        amount=f"{version.amount:.{digits}f}",
        action=version.action,
        thresholds=threshold_rows([str(one) for one in version.thresholds], version.amount, account.currency),
        pace=version.pace,
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


def _meter_limit(meter: Meter, standing: LimitStanding) -> MeterLimit:
    told = ", ".join(formats.percent(Decimal(one) / 100) for one in standing.version.thresholds)
    return MeterLimit(meter.code, formats.text_of(meter.name), told, standing)


def _meter_names(plan: Plan) -> dict[str, str]:
    return {charge.meter: formats.text_of(charge.name) for charge in plan.charges}


def _drills(account: Account) -> list[Drill]:
    return list(Drill.objects.filter(account=account).select_related("limit__meter", "asked_by")[:DRILLS])


def _alert(alert: Alert, currency: str) -> AlertRow:
    amount = formats.money(alert.limit.amount or Decimal(0), currency)
    if alert.expected_on:
        day = dates.day(alert.expected_on, "MMMMd")
        what = gettext("Pace: %(amount)s by about %(day)s") % {"amount": amount, "day": day}
    else:
        percent = formats.percent(Decimal(alert.threshold) / 100)
        what = gettext("%(percent)s of %(amount)s") % {"percent": percent, "amount": amount}
    return AlertRow(
        alert.created_at,
        _named(alert.limit, what),
        alert.spent,
        alert.recipients,
        _errors(alert),
        alert.sent_at is not None,
    )


def _drill(drill: Drill) -> AlertRow:
    scope = formats.text_of(drill.limit.meter.name) if drill.limit.meter else gettext("account")
    by = str(drill.asked_by or gettext("a former member"))
    done = drill.sent_at is not None
    return AlertRow(drill.created_at, scope, None, drill.recipients, _errors(drill), done, by)


def _errors(row: Alert | Drill) -> list[str]:
    """Whose mail failed, and why: one for each address."""
    return [one for one in row.error.split("; ") if one]


def _history(account: Account, stops: Sequence[Firing]) -> list[Change]:
    """Every version with what it changed, and every stop with its receipt, newest first."""
    before: dict[object, LimitVersion] = {}
    rows = [_stopped(stop) for stop in stops]
    for version in limit_versions(account.pk):
        what = _named(version, _words(before.get(version.meter_id), version))
        rows.append(Change(version.since, what, author(version), version.amount, version.note))
        before[version.meter_id] = version
    return sorted(rows, key=lambda one: one.at, reverse=True)[:HISTORY]


def _stopped(firing: Firing) -> Change:
    words = (
        gettext("Stopped at the limit")
        if firing.stop.reached
        else gettext("Refused what would pass the limit")
    )
    what, by = _named(firing.limit, words), gettext("The limit")
    return Change(firing.at, what, by, firing.limit.amount, stop=firing.stop.pk)


def _named(version: LimitVersion, what: str) -> str:
    if version.meter is None:
        return what
    return gettext("%(name)s: %(what)s") % {"name": formats.text_of(version.meter.name), "what": what}


def _words(before: LimitVersion | None, now: LimitVersion) -> str:
    stops = now.action == LimitVersion.Action.STOP
    if now.amount is None:
        return (
            gettext("Limit removed")
            if before and before.amount is not None
            else gettext("No limit, as chosen")
        )
    if before is None or before.amount is None:
        return gettext("Limit set, with stop") if stops else gettext("Limit set, to be told")
    if now.amount > before.amount:
        return gettext("Limit raised; alerts above it armed again")
    if now.amount < before.amount:
        return gettext("Limit lowered")
    if now.action != before.action:
        return gettext("Now stops at the limit") if stops else gettext("Now only tells you at the limit")
    return gettext("Alerts changed")
