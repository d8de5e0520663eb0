"""What the usage of a period comes to: usage and minimums by `rate`, what its limits waive, and its minimum spend."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from billing.pricing.clamp import (
    Clamped,
    account_and_meters,
    joined,
    usage_by_meter,
    waivers_since,
)
from billing.pricing.lines import Line
from billing.pricing.minimums import missing_spend
from billing.pricing.money import ZERO, exact
from billing.pricing.proration import ProratedLine, base_line
from billing.pricing.rate import rate
from billing.pricing.taxes import Tax
from billing.pricing.waivers import Used, waived_by_tax
from billing.proof.facts import Days, LineFacts, PeriodFacts, Proof, Version
from billing.proof.sums import Key, Sum, key_of
from billing.proof.tally import PeriodTally

UNKNOWN: Final = Tax("?", "?", Decimal(-1), "?")
"""Of a line that the document does not have."""


@dataclass(frozen=True, slots=True)
class Owed:
    """A line as it is owed by the events. `priced` is set for lines of a charge; `events` counts those of usage."""

    key: Key
    start: datetime
    sum: Sum
    priced: Line | None = None
    events: int = 0


class Use:
    """The periods of a proof, once all its events were tallied."""

    def __init__(self, proof: Proof, tallies: Mapping[str, PeriodTally]) -> None:
        self.proof, self.tallies = proof, tallies
        self._lines = {key: rate(tally.spans()) for key, tally in tallies.items()}

    def known(self, key: str) -> bool:
        """Whether the period, and every one whose limits run on in it, was tallied."""
        before = self.proof.periods[key].continues
        return key in self.tallies and (before is None or self.known(before))

    @exact()
    def owed(self, key: str) -> list[Owed]:
        """All that the usage of the period comes to, in the order of a document."""
        period, lines, taxes = self.proof.periods[key], self._lines[key], self._taxes(key)
        owed = [self._priced(key, line, taxes.get(line.tax, UNKNOWN)) for line in lines]
        owed += self._waivers(period, lines, taxes)
        return [*owed, *self._missing_spend(period, owed, taxes)]

    def _taxes(self, key: str) -> dict[str | None, Tax]:
        """As the period's lines bear them: which tax a code means is taken as written."""
        found: dict[str | None, Tax] = {}
        for line in (*self.proof.earlier, *self.proof.document.lines):
            if line.period == key and line.kind not in OF_THE_PLAN and line.kind != "limit_waiver":
                found.setdefault(line.asked, line.found)
        return found

    def _priced(self, key: str, line: Line, tax: Tax) -> Owed:
        return Owed(
            _key(line.kind, line.charge, line.meter, (line.plan, line.version), tax),
            line.start,
            Sum(line.amount, line.exact_amount, line.quantity),
            line,
            self.tallies[key].events_of(line.charge or "", line.start) if line.kind == "usage" else 0,
        )

    def _waivers(
        self, period: PeriodFacts, lines: Sequence[Line], taxes: Mapping[str | None, Tax]
    ) -> Iterator[Owed]:
        waivers = waivers_since(self._before(period), self._clamped(period))
        used = [
            Used(line.meter, line.amount, taxes.get(line.tax, UNKNOWN))
            for line in lines
            if line.kind == "usage"
        ]
        for part in waived_by_tax(used, waivers, self.proof.document.currency):
            key = _key("limit_waiver", None, part.meter, ("", 0), part.tax)
            yield Owed(key, period.start, Sum(-part.amount, -part.amount))

    def _before(self, period: PeriodFacts) -> Clamped:
        if period.continues is None:
            return account_and_meters({}, {}, ())
        return self._clamped(self.proof.periods[period.continues])

    def _clamped(self, period: PeriodFacts) -> Clamped:
        by_meter = {meter: found for meter, found in period.limits.items() if meter is not None}
        return account_and_meters(self._usage(period), by_meter, period.limits.get(None, ()))

    def _usage(self, period: PeriodFacts) -> dict[str, Decimal]:
        own = usage_by_meter(self._lines[period.key])
        if period.continues is None:
            return own
        return joined(self._usage(self.proof.periods[period.continues]), own)

    def _missing_spend(
        self, period: PeriodFacts, owed: Sequence[Owed], taxes: Mapping[str | None, Tax]
    ) -> Iterator[Owed]:
        parts = [
            (self.proof.minimum_spends[one.plan.code, one.plan.version], one.share)
            for one in period.stretches
        ]
        days = [*([period.base] if period.base else []), *period.changes]
        reached = sum((self.price_of(each).amount for each in days), ZERO)
        reached += sum((each.sum.amount for each in owed), ZERO)
        missing = missing_spend(parts, reached, self.proof.document.currency)
        if missing is not None:
            plan = period.stretches[-1].plan
            key = _key("minimum", None, None, (plan.code, plan.version), taxes.get(plan.tax, UNKNOWN))
            yield Owed(key, period.start, Sum(missing.amount, missing.exact_amount))

    def price_of(self, days: Days) -> ProratedLine:
        """Days at the base price of a version, negative if they are given back."""
        price = self.proof.base_prices[days.version]
        return base_line(-price if days.back else price, days, self.proof.document.currency)


OF_THE_PLAN: Final = ("base", "proration", "adjustment")
"""Kinds of lines that no usage decides."""


def _key(kind: str, charge: str | None, meter: str | None, version: Version, tax: Tax) -> Key:
    return key_of(kind, charge, meter, version, category=tax.category, rate=tax.rate)


def tallies_of(proof: Proof) -> dict[str, PeriodTally]:
    """One for each period whose events are there."""
    return {
        key: PeriodTally(period, period.stretches)
        for key, period in proof.periods.items()
        if period.events == "all"
    }


def is_used(line: LineFacts) -> bool:
    """Whether usage decides the line's amount."""
    return line.kind not in OF_THE_PLAN
