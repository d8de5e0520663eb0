"""Where an account stands against its limits, for the pages: one reading, so that the figures on a page agree."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from accounts.models import Account
from billing.limits.models import LimitVersion
from billing.limits.queries.clamping import Position, position
from billing.limits.queries.versions import current_limits
from billing.limits.queries.window import running_period
from billing.plans.models import Meter, Period
from billing.pricing.money import ZERO, exact
from billing.usage.rating import RatedPeriod, rate_period

NEAR: Final = Decimal("0.8")
_PLACES: Final = 12


class State(StrEnum):
    """`within` and `near` (80 % on) are below the limit; at it, `stopped` refuses usage and `reached` does not."""

    WITHIN = "within"
    NEAR = "near"
    REACHED = "reached"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class LimitStanding:
    """One limit. `spent` is before waivers, `share` is spent over amount (None for a limit of 0)."""

    version: LimitVersion
    meter: Meter | None
    amount: Decimal
    spent: Decimal
    payable: Decimal
    waived: Decimal
    remaining: Decimal
    share: Decimal | None
    state: State


@dataclass(frozen=True, slots=True)
class Standing:
    """The account at `as_of`: usage of the running period, and each limit; `account` is its own, if it has one."""

    period: Period | None
    spent: Decimal
    payable: Decimal
    waived: Decimal
    limits: tuple[LimitStanding, ...]
    resets_at: datetime | None
    as_of: datetime

    @property
    def account(self) -> LimitStanding | None:
        return next((limit for limit in self.limits if limit.meter is None), None)

    @property
    def meters(self) -> tuple[LimitStanding, ...]:
        return tuple(limit for limit in self.limits if limit.meter is not None)

    @property
    def strictest(self) -> LimitStanding | None:
        """The limit to name first: one that stops usage, else the one used most."""
        return max(self.limits, key=_severity, default=None)

    @property
    def stopped(self) -> bool:
        """Whether the account's own limit refuses usage. A meter's limit stops that meter only."""
        return self.account is not None and self.account.state is State.STOPPED


@exact()
def standing(account: Account, at: datetime, rated: RatedPeriod | None = None) -> Standing:
    """Usage and limits of the running period, as committed; `rated` is that period's, if it was priced already."""
    period = rated.period if rated else running_period(account, at)
    found = position(rated or rate_period(period)) if period else Position()
    limits = tuple(_limit(version, found) for version in current_limits(account))
    spent, payable = found.spent(None), found.of(None).payable
    return Standing(period, spent, payable, spent - payable, limits, period.end if period else None, at)


def _limit(version: LimitVersion, found: Position) -> LimitStanding:
    amount = version.amount if version.amount is not None else ZERO
    code = version.meter.code if version.meter else None
    spent, split = found.spent(code), found.of(code)
    return LimitStanding(
        version=version,
        meter=version.meter,
        amount=amount,
        spent=spent,
        payable=split.payable,
        waived=split.waived,
        remaining=max(amount - spent, ZERO),
        share=share_of(spent, amount),
        state=_state(version, spent, amount),
    )


@exact()
def share_of(spent: Decimal, amount: Decimal) -> Decimal | None:
    """`spent` over `amount`, cut off and never rounded up to a limit; None for a limit of 0."""
    return (spent.scaleb(_PLACES) // amount).scaleb(-_PLACES) if amount else None


def _state(version: LimitVersion, spent: Decimal, amount: Decimal) -> State:
    if spent >= amount:
        return State.STOPPED if version.action == LimitVersion.Action.STOP else State.REACHED
    return State.NEAR if spent >= amount * NEAR else State.WITHIN


def _severity(limit: LimitStanding) -> tuple[bool, Decimal]:
    return limit.state is State.STOPPED, limit.share if limit.share is not None else ZERO
