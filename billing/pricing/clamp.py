"""The limit promise: what of the usage is payable, and what is waived.

Rule (contract, section 5): with a limit whose action is `stop`, payable usage grows with usage as it arrives
until it reaches the limit in force; what arrives after that is waived until the limit is raised or the period
ends. Lowering a limit, or setting a first one, waives nothing that was payable before; raising takes no
waiver back. `notify` and no amount clamp nothing. What counts is usage charges before tax and coupons, in
minor units.

So each version of a limit is a straight line that begins where usage and payable stood (its recorded start)
and ends at the limit. Usage may also fall, by a voided event or a negative value:

* Above the last version's start it runs back along the same line: usage that is withdrawn was never there. It
  comes off the waiver first, as that is what arrived last.
* Below that start the version before it holds, and so on: the answer is the one it would have been then.
* Usage that falls and rises again to where it was costs what it did, also where a limit was lowered between:
  never more than the limit in force or what was payable when it was set.

Payable is never above usage and never below zero, and never falls while usage grows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from billing.pricing.money import ZERO, exact

Action = Literal["notify", "stop"]


@dataclass(frozen=True, slots=True)
class LimitVersion:
    """A limit from `since` on; `amount` None: no limit. The figures are those of the billing period at
    `since`.

    A version that was in force before the period began starts with it, at 0 and 0. For the account's limit
    "usage" is what is left after the meters' limits.
    """

    since: datetime
    amount: Decimal | None
    action: Action
    usage_at_start: Decimal = ZERO
    payable_at_start: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Payable:
    """Usage, split: payable + waived = usage (zero, if usage is negative)."""

    payable: Decimal
    waived: Decimal


@dataclass(frozen=True, slots=True)
class Clamped:
    """`meters`: each meter's usage after its own limit; `account`: their payable sum after the account's."""

    meters: Mapping[str, Payable]
    account: Payable

    @property
    @exact()
    def waived(self) -> Decimal:
        """All that is waived, by the limits of meters and account."""
        return sum((meter.waived for meter in self.meters.values()), self.account.waived)


@exact()
def payable(versions: Sequence[LimitVersion], usage: Decimal) -> Payable:
    """What of a period's `usage` is payable under `versions`, the period's limits in order of time.

    Without versions all is. ValueError if they are out of order.
    """
    if any(later.since < earlier.since for earlier, later in pairwise(versions)):
        raise ValueError("versions of a limit must be in order of time")
    usage = max(usage, ZERO)
    amount = usage
    for version in reversed(versions):
        if usage >= version.usage_at_start:
            amount = min(amount, _along(version, usage))
            break
        amount = min(amount, version.payable_at_start)
    return Payable(amount, usage - amount)


def start_version(
    versions: Sequence[LimitVersion],
    since: datetime,
    amount: Decimal | None,
    action: Action,
    usage: Decimal,
) -> LimitVersion:
    """The version that a change of the limit at `since` adds: it records where usage and payable stand."""
    return LimitVersion(since, amount, action, max(usage, ZERO), payable(versions, usage).payable)


@exact()
def account_and_meters(
    usage: Mapping[str, Decimal],
    meter_versions: Mapping[str, Sequence[LimitVersion]],
    account_versions: Sequence[LimitVersion],
) -> Clamped:
    """A meter's limit clamps first, then the account's over the sum. `usage`: meter -> cost; limits by meter."""
    meters = {meter: payable(meter_versions.get(meter, ()), cost) for meter, cost in usage.items()}
    total = sum((meter.payable for meter in meters.values()), ZERO)
    return Clamped(meters, payable(account_versions, total))


def _along(version: LimitVersion, usage: Decimal) -> Decimal:
    """Payable by a version whose start `usage` has reached."""
    grown = usage - version.usage_at_start
    if version.action == "stop" and version.amount is not None:
        grown = min(grown, max(ZERO, version.amount - version.payable_at_start))
    return version.payable_at_start + grown
