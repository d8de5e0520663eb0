"""Usage of periods read event by event in Python: a second reading, independent of day totals and of SQL."""

from collections.abc import Sequence
from datetime import datetime

from accounts.reading import many
from billing.invoices.evidence import Behind, all_behind
from billing.plans.models import Period
from billing.plans.queries import meters_as_published, plan_terms, span_share, spans_in
from billing.pricing.money import ZERO, exact
from billing.pricing.rate import rate
from billing.proof.tally import PeriodTally, Stretch
from billing.usage.rating import RatedPeriod

type Asked = tuple[Period, datetime]
"""A period, and the instant by which events count."""


@many
@exact()
def rated_from_events(asked: Sequence[Asked]) -> dict[Asked, RatedPeriod]:
    """A whole period priced by `rate`, from the events that were stored by an instant."""
    stretches = [_stretches(period) for period, _stored_by in asked]
    tallies = [PeriodTally(period, of) for (period, _stored_by), of in zip(asked, stretches, strict=True)]
    behind = [
        Behind(period.account_id, [(period, of)], stored_by)
        for (period, stored_by), of in zip(asked, stretches, strict=True)
    ]
    for place, event in all_behind(behind):
        tallies[place].take(event.as_event())
    return {key: _rated(key[0], tally) for key, tally in zip(asked, tallies, strict=True)}


def _rated(period: Period, tally: PeriodTally) -> RatedPeriod:
    spans = tally.spans()
    lines = rate(spans)
    total = sum((line.amount for line in lines if line.kind == "usage"), ZERO)
    return RatedPeriod(period, spans, lines, total, None)


def _stretches(period: Period) -> list[Stretch]:
    return [
        Stretch(plan_terms(version), meters_as_published(version), start, end, span_share(period, start, end))
        for version, start, end in spans_in(period)
    ]
