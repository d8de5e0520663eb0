"""Usage of a period read event by event in Python: a second reading, independent of day totals and of SQL."""

from datetime import datetime

from billing.invoices.evidence import events_behind
from billing.plans.models import Period, PlanVersion
from billing.plans.queries import plan_terms, span_share, spans_in
from billing.pricing.money import ZERO, exact
from billing.pricing.parse import meter_from_data
from billing.pricing.rate import rate
from billing.proof.tally import PeriodTally, Stretch
from billing.usage.rating import RatedPeriod


@exact()
def rated_from_events(period: Period, stored_by: datetime) -> RatedPeriod:
    """The whole period priced by `rate`, from the events that were stored by an instant."""
    stretches = [_stretch(period, version, start, end) for version, start, end in spans_in(period)]
    tally = PeriodTally(period, stretches)
    stored = events_behind(period.account_id, [(period, stretches)], stored_by)
    tally.take_all(event.as_event() for event in stored)
    spans = tally.spans()
    lines = rate(spans)
    total = sum((line.amount for line in lines if line.kind == "usage"), ZERO)
    return RatedPeriod(period, spans, lines, total, None)


def _stretch(period: Period, version: PlanVersion, start: datetime, end: datetime) -> Stretch:
    meters = {code: meter_from_data(data) for code, data in version.terms["meters"].items()}
    return Stretch(plan_terms(version), meters, start, end, span_share(period, start, end))
