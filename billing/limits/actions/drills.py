"""The drill: try the alerts of a limit without reaching it."""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts.models import Account, User
from billing.limits.actions.limits import tell_worker
from billing.limits.actions.telling import tell_drill
from billing.limits.models import Drill, LimitVersion
from billing.limits.queries.window import running_period

MOST: Final = 3
WITHIN: Final = timedelta(hours=1)


class TooManyDrills(Exception):  # noqa: N818  (a state, not a fault)
    """The account has had its drills for now."""


class NothingToTry(Exception):  # noqa: N818  (a state, not a fault)
    """No billing period runs, or the limit holds no amount."""


@transaction.atomic
def start_drill(limit: LimitVersion, by: User) -> Drill:
    """Have the mail sent that reaching `limit` would send, marked as a test. Alerts and thresholds stay as they are.

    Raises `TooManyDrills` after three in an hour, `NothingToTry` without a running period.
    """
    now = timezone.now()
    account = Account.objects.select_for_update().get(pk=limit.account_id)  # so that two at once are counted
    period = running_period(account, now)
    if period is None or limit.amount is None:
        raise NothingToTry
    if Drill.objects.filter(account=account, created_at__gt=now - WITHIN).count() >= MOST:
        raise TooManyDrills
    drill = Drill.objects.create(account=account, limit=limit, period=period, asked_by=by)
    tell_worker(account)
    tell_drill(drill)
    return drill
