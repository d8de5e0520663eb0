"""What of a period's usage is payable under the limits that held, and what is waived (contract, section 5).

The rule is `billing.pricing.clamp`; here it meets the stored versions and the rated lines. The live figure and the
invoice both call `clamp`, so they cannot disagree.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from billing.limits.queries.window import continued, versions_in
from billing.plans.models import Meter, Period
from billing.pricing import clamp as rules
from billing.pricing.lines import Line
from billing.pricing.money import ZERO, exact
from billing.usage.rating import RatedPeriod, rate_period


@dataclass(frozen=True, slots=True)
class Waiver:
    """What one limit waives: a meter's (its code), or the account's (None). `amount` is above zero."""

    meter: str | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Clamped:
    """A period's usage charges, split by its limits: payable + waived = usage, in whole minor units."""

    usage: Decimal
    payable: Decimal
    waived: Decimal
    waivers: tuple[Waiver, ...]


NOTHING: Final = rules.Payable(ZERO, ZERO)
UNSPLIT: Final = rules.Clamped({}, NOTHING)


@dataclass(frozen=True, slots=True)
class Position:
    """Where the limits' running period stands, with what it continues.

    `usage` is before waivers, by meter; `split` says what of it is payable under `versions`.
    """

    usage: Mapping[str, Decimal] = field(default_factory=dict)
    split: rules.Clamped = UNSPLIT
    versions: Mapping[Meter | None, Sequence[rules.LimitVersion]] = field(default_factory=dict)

    def of(self, meter: str | None) -> rules.Payable:
        """What the limit of a meter (its code), or of the account (None), lets through and waives.

        Their sum is what it is applied to: for the account, what the meters' limits left.
        """
        return self.split.account if meter is None else self.split.meters.get(meter, NOTHING)

    def spent(self, meter: str | None) -> Decimal:
        """Usage before waivers, of a meter or of the account."""
        return spent_on(self.usage, meter)


@exact()
def clamp(rated: RatedPeriod) -> Clamped:
    """What of `rated` is payable, and what each limit waives."""
    before = position_before(rated.period)
    now = position(rated, before)
    scopes: list[str | None] = [*now.split.meters, None]
    found = [Waiver(scope, now.of(scope).waived - before.of(scope).waived) for scope in scopes]
    waivers = tuple(waiver for waiver in found if waiver.amount > 0)
    usage = total(usage_by_meter(rated.lines))
    waived = sum((waiver.amount for waiver in waivers), ZERO)
    return Clamped(usage, usage - waived, waived, waivers)


@exact()
def position(rated: RatedPeriod, before: Position | None = None) -> Position:
    """Where the limits stand with the usage of `rated`; `before` is `position_before`, if it was read already."""
    before = position_before(rated.period) if before is None else before
    usage = joined(before.usage, usage_by_meter(rated.lines))
    versions = versions_in(rated.period)
    by_meter = {meter.code: found for meter, found in versions.items() if meter is not None}
    return Position(usage, rules.account_and_meters(usage, by_meter, versions.get(None, ())), versions)


def position_before(period: Period) -> Position:
    """Where the limits stood when `period` began: at nothing, unless it continues a cancelled subscription's."""
    earlier = continued(period)
    return Position() if earlier is None else position(rate_period(earlier))


@exact()
def usage_by_meter(lines: Iterable[Line]) -> dict[str, Decimal]:
    """Meter -> the sum of its rounded usage lines, which is what limits count."""
    sums: dict[str, Decimal] = {}
    for line in lines:
        if line.kind == "usage" and line.meter is not None:
            sums[line.meter] = sums.get(line.meter, ZERO) + line.amount
    return sums


def usage_so_far(rated: RatedPeriod) -> dict[str, Decimal]:
    """Usage of the running period before waivers, by meter, with what it continues."""
    return joined(position_before(rated.period).usage, usage_by_meter(rated.lines))


@exact()
def joined(one: Mapping[str, Decimal], other: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {meter: one.get(meter, ZERO) + other.get(meter, ZERO) for meter in {**one, **other}}


@exact()
def spent_on(usage: Mapping[str, Decimal], meter: str | None) -> Decimal:
    """Of `usage` by meter, what counts for the limit of a meter (its code), or of the account (None)."""
    return total(usage) if meter is None else usage.get(meter, ZERO)


@exact()
def total(usage: Mapping[str, Decimal]) -> Decimal:
    return sum(usage.values(), ZERO)
