"""ESPI (Green Button format), download my data: a customer's own energy, gas or water by intervals.

Written by the public schema; not certified, and no Green Button Connect. Source: NAESB ESPI, espi.xsd 4.0.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from zoneinfo import ZoneInfo

from billing.invoices.exports.espi import feed
from billing.invoices.exports.espi.readings import Span, multiplier_for, readings
from billing.invoices.exports.espi.units import unit_of
from billing.invoices.exports.espi.zones import local_time
from billing.plans.models import Meter
from billing.plans.stored import meter_def
from billing.pricing.charges import localized
from billing.pricing.dates import local_date

__all__ = ["Span", "greenbutton_xml", "supplies", "unit_of"]


def supplies() -> list[Meter]:
    """The meters that there is a file of."""
    return [meter for meter in Meter.objects.order_by("code") if unit_of(meter)]


def greenbutton_xml(span: Span, meters: Sequence[Meter]) -> Iterator[bytes]:
    """The file: a usage point for each meter, and its intervals, a block for each local day."""
    account = span.account
    about = f"plainbill:{account.code}:{span.start.isoformat()}:{span.end.isoformat()}:{span.granularity}"
    found = feed.Feed(about, span.end)
    yield found.head(account.name)
    clock = local_time(account.timezone, span.start.astimezone(ZoneInfo(account.timezone)).year)
    yield found.entry(feed.CLOCK, account.timezone, feed.clock(clock))
    for meter in meters:
        yield from _meter(found, span, meter)
    yield feed.CLOSING.encode()


def _meter(found: feed.Feed, span: Span, meter: Meter) -> Iterator[bytes]:
    unit = unit_of(meter)
    assert unit is not None  # noqa: S101  (`supplies` chose it)
    name = localized(meter_def(meter).name, span.account.locale)
    point, kind = f"UsagePoint/{meter.code}", f"ReadingType/{meter.code}"
    reading, blocks = f"{point}/MeterReading/1", f"{point}/MeterReading/1/IntervalBlock"
    multiplier = multiplier_for(span, meter, unit)
    currency = span.account.currency
    yield found.entry(point, name, feed.usage_point(unit), [feed.CLOCK, f"{point}/MeterReading"])
    yield found.entry(reading, name, feed.meter_reading(), [blocks, kind])
    yield found.entry(kind, name, feed.reading_type(unit, currency, span.granularity, multiplier))
    zone = span.account.timezone
    days = groupby(readings(span, meter, unit, multiplier), lambda each: local_date(each.start, zone))
    for day, of_day in days:
        yield found.entry(f"{blocks}/{day.isoformat()}", day.isoformat(), feed.interval_block(list(of_day)))
