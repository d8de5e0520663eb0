"""Which coupons an account has redeemed, and which service periods each covers.

Counted are the periods that are paid and not empty, over all of the account's subscriptions, from the first one that
ends after the redemption: the running one, or the next if none is. A trial is not counted, so a coupon that is
redeemed in it, or before any subscription, begins with the first paid period.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import Account
from accounts.reading import grouped, many
from billing.plans.models import Period, Redemption
from billing.pricing.dates import local_midnight

type PeriodKey = tuple[str, int]
"""A service period, be it stored or yet to come: its subscription, and its number there."""


@dataclass(frozen=True, slots=True)
class RedeemedCoupon:
    """A redemption and the periods that it covers so far, in time order. `left`: how many of its periods have not
    ended, those to come included; None: it holds for ever.
    """

    redemption: Redemption
    covered: tuple[Period, ...]
    left: int | None

    @property
    def keys(self) -> frozenset[PeriodKey]:
        return frozenset(key_of(period) for period in self.covered)

    @property
    def used_up(self) -> bool:
        return self.left == 0


def key_of(period: Period) -> PeriodKey:
    return str(period.subscription_id), period.number


def redeemed_coupons(
    account: Account, at: datetime, coming: Iterable[Period] = (), redeemed_by: datetime | None = None
) -> list[RedeemedCoupon]:
    """The account's coupons, oldest first. `at` decides what is left; `coming` are periods to look at that are not
    stored yet; `redeemed_by`, by the database's clock, leaves later redemptions out.
    """
    redemptions = [
        each for each in redemptions_of(account.pk) if redeemed_by is None or each.created_at <= redeemed_by
    ]
    if not redemptions:
        return []
    stored = {key_of(period): period for period in Period.objects.filter(account=account, trial=False)}
    every = stored | {key_of(p): p for p in coming if not p.trial and key_of(p) not in stored}
    in_order = sorted(every.values(), key=lambda period: (period.start, period.end))
    return [_covers(redemption, in_order, at) for redemption in redemptions]


@many
def redemptions_of(account_ids: Sequence[int]) -> dict[int, list[Redemption]]:
    """What an account redeemed, oldest first."""
    rows = Redemption.objects.filter(account__in=account_ids).select_related("coupon")
    return grouped(account_ids, rows, lambda redemption: redemption.account_id)


def _covers(redemption: Redemption, periods: Sequence[Period], at: datetime) -> RedeemedCoupon:
    covered, counted, ended = list[Period](), 0, 0
    for period in periods:
        empty = (
            period.start == period.end
        )  # ended as it began, by a cancellation or another interval: not counted
        if _over(period, redemption, empty) or counted == redemption.periods:
            continue
        covered.append(period)
        counted += not empty
        ended += not empty and period.end <= at
    left = None if redemption.periods is None else redemption.periods - ended
    return RedeemedCoupon(redemption, tuple(covered), left)


def _over(period: Period, redemption: Redemption, empty: bool) -> bool:
    """Whether it had ended by the redemption. A change that is dated back ends no period of which the base price was
    invoiced after the redemption: it was discounted, and so is what is given back of it.
    """
    since, charged = redemption.redeemed_at, period.base_invoiced_at
    if charged is None or charged > redemption.created_at:
        return local_midnight(period.base_end_day, period.timezone) <= since
    return period.end < since if empty else period.end <= since
