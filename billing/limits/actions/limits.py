"""Set, change or lift a limit: always one more version, which records where usage and payable stood."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone

from accounts.activity import record
from accounts.models import Account, Deed, User
from billing.limits.actions.stops import fire_at_once
from billing.limits.models import LimitVersion
from billing.limits.queries.clamping import Position, position
from billing.limits.queries.versions import latest_version
from billing.limits.queries.window import running_period
from billing.limits.terms import THRESHOLDS, Terms, read_terms
from billing.plans.models import Meter
from billing.pricing.clamp import Action, start_version
from billing.pricing.money import exact
from billing.usage.locks import hold_intake
from billing.usage.rating import rate_period

CHANNEL: Final = "plainbill_usage"
_TICK: Final = timedelta(microseconds=1)
_NONE: Final = Terms(None, LimitVersion.Action.NOTIFY, THRESHOLDS)


@transaction.atomic
def set_limit(
    account: Account,
    amount: Decimal | str | int | None,
    action: str = LimitVersion.Action.NOTIFY,
    thresholds: Iterable[int] = THRESHOLDS,
    meter: Meter | None = None,
    *,
    pace: bool = True,
    by: User | None = None,
    note: str = "",
    at: datetime | None = None,
    decided: bool = False,
) -> LimitVersion | None:
    """Make these terms hold from now on, for the account or one meter; `amount` None lifts the limit.

    Gives the version that holds then: the one before, if it says the same; None if there never was a limit and
    none is set, unless that is `decided`: then it is kept that somebody wanted none. What was payable stays payable,
    what was waived stays waived. `note`: why staff set it, which the customer reads. `at` dates the change back, for
    made-up history: usage then counts as arrived at its own time. Raises `LimitError`.
    """
    terms = read_terms(amount, action, thresholds, account.currency, pace=pace)
    now = at or timezone.now()
    period = running_period(account, now)
    hold_intake(account.pk)  # no event and no other change of a limit comes between reading and recording
    latest = latest_version(account, meter)
    if terms == _terms(latest) and (latest is not None or not decided) and not note:
        return latest
    since = now if latest is None else max(now, latest.since + _TICK)
    found = position(rate_period(period, until=at)) if period else Position()
    version = _version(found, meter, terms, since)
    version.account, version.period, version.created_by, version.note = account, period, by, note
    version.save(force_insert=True)
    _keep(version, latest, by)
    fire_at_once(version, period, found.spent(meter.code if meter else None))
    tell_worker(account)
    return version


def _keep(version: LimitVersion, before: LimitVersion | None, by: User | None) -> None:
    """Who made which limit of which."""
    deed = Deed.LIMIT_LIFTED if version.amount is None else Deed.LIMIT_SET
    meter = version.meter and {"code": version.meter.code, "name": version.meter.name}
    after, was = _said(version), before and _said(before)
    record(version.account, deed, by=by, meter=meter, before=was, after=after, note=version.note)


def _said(version: LimitVersion) -> dict[str, Any]:
    return {"amount": version.amount, "action": version.action, "thresholds": version.thresholds}


def _terms(version: LimitVersion | None) -> Terms:
    if version is None:
        return _NONE
    return Terms(version.amount, LimitVersion.Action(version.action), tuple(version.thresholds), version.pace)


@exact()
def _version(found: Position, meter: Meter | None, terms: Terms, since: datetime) -> LimitVersion:
    """The unsaved version, with the figures of its start: for the account's limit, those that meters' limits left."""
    split = found.of(meter.code if meter else None)
    action: Action = "stop" if terms.action == LimitVersion.Action.STOP else "notify"
    usage = split.payable + split.waived
    start = start_version(found.versions.get(meter, ()), since, terms.amount, action, usage)
    return LimitVersion(
        meter=meter,
        amount=terms.amount,
        action=terms.action,
        thresholds=list(terms.thresholds),
        pace=terms.pace,
        since=since,
        usage_at_start=start.usage_at_start,
        payable_at_start=start.payable_at_start,
    )


def tell_worker(account: Account) -> None:
    """On commit the worker looks at the account's thresholds, and open pages are drawn anew."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(account.pk)])
