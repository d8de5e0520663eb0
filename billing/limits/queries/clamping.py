"""What of a period's usage is payable under the limits that held, and what is waived (contract, section 5).

The rule is `billing.pricing.clamp`; here it meets the stored versions and the rated lines. The live figure and the
invoice both call `clamp`, so they cannot disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from billing.limits.queries.window import continued, versions_in
from billing.plans.models import Meter, Period
from billing.pricing import clamp as rules
from billing.pricing.clamp import UNSPLIT, Waiver, joined, usage_by_meter, waivers_since
from billing.pricing.money import ZERO, exact
from billing.usage.rating import RatedPeriod, rate_period


@dataclass(frozen=True, slots=True)
class Clamped:
    """A period's usage charges, split by its limits: payable + waived = usage, in whole minor units."""

    usage: Decimal
    payable: Decimal
    waived: Decimal
    waivers: tuple[Waiver, ...]


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
        return self.split.of(meter)

    def spent(self, meter: str | None) -> Decimal:
        """Usage before waivers, of a meter or of the account."""
        return spent_on(self.usage, meter)


@exact()
def clamp(rated: RatedPeriod) -> Clamped:
    """What of `rated` is payable, and what each limit waives."""
    before = position_before(rated.period)
    waivers = waivers_since(before.split, position(rated, before).split)
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


def usage_so_far(rated: RatedPeriod) -> dict[str, Decimal]:
    """Usage of the running period before waivers, by meter, with what it continues."""
    return joined(position_before(rated.period).usage, usage_by_meter(rated.lines))


@exact()
def spent_on(usage: Mapping[str, Decimal], meter: str | None) -> Decimal:
    """Of `usage` by meter, what counts for the limit of a meter (its code), or of the account (None)."""
    return total(usage) if meter is None else usage.get(meter, ZERO)


@exact()
def total(usage: Mapping[str, Decimal]) -> Decimal:
    return sum(usage.values(), ZERO)
