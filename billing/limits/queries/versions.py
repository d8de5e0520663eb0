"""Which limit holds. Every version is kept; the latest one of the account, or of a meter, holds."""

from typing import Any

from accounts.models import Account
from accounts.reading import reads
from billing.limits.models import LimitVersion
from billing.limits.queries.window import limit_versions
from billing.limits.terms import THRESHOLDS
from billing.plans.models import Meter
from billing.pricing.money import money_string


def latest_version(account: Account, meter: Meter | None = None) -> LimitVersion | None:
    """The version that holds, also one that says "no limit"; None if there never was one."""
    found = LimitVersion.objects.filter(account=account, meter=meter).select_related("meter")
    return found.order_by("-since").first()


def current_limit(account: Account, meter: Meter | None = None) -> LimitVersion | None:
    """The limit that holds for the account, or for one meter; None if there is none."""
    version = latest_version(account, meter)
    return version if version is not None and version.amount is not None else None


def current_limits(account: Account) -> list[LimitVersion]:
    """Every limit that holds: the account's own first, then the meters' by code. One query, in a reading the one that
    reads all versions.
    """
    if reads():
        latest = list({version.meter_id: version for version in limit_versions(account.pk)}.values())
    else:
        rows = LimitVersion.objects.filter(account=account).order_by("meter_id", "-since")
        latest = list(rows.distinct("meter_id").select_related("meter"))
    found = [version for version in latest if version.amount is not None]
    return sorted(found, key=lambda version: version.meter.code if version.meter else "")


def limit_data(account: Account, meter: Meter | None = None) -> dict[str, Any]:
    """`{"amount", "action", "thresholds"}` as the API shows it; `amount` is None without a limit.

    `"pace": False` comes with it where the alert by pace was refused; it is on otherwise, as in a PUT without it.
    """
    version = latest_version(account, meter)
    if version is None:
        version = LimitVersion(amount=None, action=LimitVersion.Action.NOTIFY, thresholds=list(THRESHOLDS))
    shown: dict[str, Any] = {
        "amount": None if version.amount is None else money_string(version.amount, account.currency),
        "action": str(version.action),
        "thresholds": list(version.thresholds),
    }
    return shown if version.pace else {**shown, "pace": False}
