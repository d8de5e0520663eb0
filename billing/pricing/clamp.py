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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final, Literal

from billing.pricing.lines import Line
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


NOTHING: Final = Payable(ZERO, ZERO)


@dataclass(frozen=True, slots=True)
class Waiver:
    """What one limit waives: a meter's (its code), or the account's (None). `amount` is above zero."""

    meter: str | None
    amount: Decimal


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

    def of(self, meter: str | None) -> Payable:
        """What the limit of a meter (its code), or of the account (None), lets through and waives."""
        return self.account if meter is None else self.meters.get(meter, NOTHING)


UNSPLIT: Final = Clamped({}, NOTHING)
"""Where nothing was used."""


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


@exact()
def waivers_since(before: Clamped, now: Clamped) -> tuple[Waiver, ...]:
    """What each limit waives of a period, the meters' first: `before` is where they stood when it began."""
    scopes: list[str | None] = [*now.meters, None]
    found = (Waiver(scope, now.of(scope).waived - before.of(scope).waived) for scope in scopes)
    return tuple(waiver for waiver in found if waiver.amount > 0)


@exact()
def usage_by_meter(lines: Iterable[Line]) -> dict[str, Decimal]:
    """Meter -> the sum of its rounded usage lines, which is what limits count."""
    sums: dict[str, Decimal] = {}
    for line in lines:
        if line.kind == "usage" and line.meter is not None:
            sums[line.meter] = sums.get(line.meter, ZERO) + line.amount
    return sums


@exact()
def joined(one: Mapping[str, Decimal], other: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Usage by meter of two periods that limits take for one."""
    return {meter: one.get(meter, ZERO) + other.get(meter, ZERO) for meter in {**one, **other}}


def _along(version: LimitVersion, usage: Decimal) -> Decimal:
    """Payable by a version whose start `usage` has reached."""
    grown = usage - version.usage_at_start
    if version.action == "stop" and version.amount is not None:
        grown = min(grown, max(ZERO, version.amount - version.payable_at_start))
    return version.payable_at_start + grown
