"""The parts of the Atom feed. The order of elements is the schema's (NAESB ESPI 4.0, espi.xsd)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import NAMESPACE_URL, uuid5
from xml.etree.ElementTree import Element, tostring

import iso4217

from billing.invoices.einvoice.xml import kept, node
from billing.invoices.exports.espi.readings import Reading
from billing.invoices.exports.espi.units import Unit
from billing.invoices.exports.espi.zones import LocalTime
from billing.pricing.dates import utc

OPENING: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:espi="http://naesb.org/espi">\n'
)
CLOSING: Final = "</feed>\n"
SECONDS: Final = {"hour": "3600", "day": "86400"}
DELTA: Final = "4"
FORWARD: Final = "1"
NORMAL: Final = "12"
CLOCK: Final = "LocalTimeParameters/1"
"""AccumulationKind: what was used in the interval. FlowDirectionKind: to the customer. DataQualifierKind."""


class Feed:
    """Entries of one file: its `about` makes their ids, `updated` is the instant up to which it tells."""

    def __init__(self, about: str, updated: datetime) -> None:
        self.about, self.updated = about, updated

    def head(self, title: str) -> bytes:
        parts = (
            node("id", self._id("feed")),
            node("title", title),
            node("updated", utc(self.updated)),
            kept("link", rel="self", href="Feed"),
        )
        return OPENING.encode() + b"".join(_bytes(part) for part in parts if part is not None)

    def entry(self, path: str, title: str, content: Element, related: Sequence[str] = ()) -> bytes:
        """An entry at `path`, whose collection is the path above it."""
        up = path.rpartition("/")[0]
        found = kept(
            "entry",
            node("id", self._id(path)),
            kept("link", rel="self", href=path),
            kept("link", rel="up", href=up),
            *(kept("link", rel="related", href=each) for each in related),
            node("title", title),
            kept("content", content, type="application/xml"),
            node("published", utc(self.updated)),
            node("updated", utc(self.updated)),
        )
        return _bytes(found)

    def _id(self, path: str) -> str:
        return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{self.about}/{path}')}"


def usage_point(unit: Unit) -> Element:
    service = node("espi:ServiceCategory", node("espi:kind", unit.service))
    return kept("espi:UsagePoint", service)


def clock(found: LocalTime) -> Element:
    return kept(
        "espi:LocalTimeParameters",
        node("espi:dstEndRule", found.end_rule),
        node("espi:dstOffset", str(found.saving)),
        node("espi:dstStartRule", found.start_rule),
        node("espi:tzOffset", str(found.offset)),
    )


def meter_reading() -> Element:
    return kept("espi:MeterReading")


def reading_type(unit: Unit, currency: str, granularity: str, multiplier: int) -> Element:
    """`currency` is told by its number: 978 for EUR."""
    return kept(
        "espi:ReadingType",
        node("espi:accumulationBehaviour", DELTA),
        node("espi:commodity", unit.commodity),
        node("espi:currency", str(iso4217.Currency(currency).number)),
        node("espi:dataQualifier", NORMAL),
        node("espi:flowDirection", FORWARD),
        node("espi:intervalLength", SECONDS[granularity]),
        node("espi:kind", unit.kind),
        node("espi:powerOfTenMultiplier", str(multiplier)),
        node("espi:timeAttribute", "0"),
        node("espi:uom", unit.symbol),
    )


def interval_block(found: Sequence[Reading]) -> Element:
    """At least one reading."""
    return kept(
        "espi:IntervalBlock",
        _period("espi:interval", found[0].start, found[-1].end),
        *_readings(found),
    )


def _readings(found: Iterable[Reading]) -> Iterable[Element]:
    for each in found:
        yield kept(
            "espi:IntervalReading",
            None if each.cost is None else node("espi:cost", str(each.cost)),
            _period("espi:timePeriod", each.start, each.end),
            node("espi:value", str(each.value)),
        )


def _period(name: str, start: datetime, end: datetime) -> Element:
    """Whole seconds, since 1970."""
    first, last = int(start.timestamp()), int(end.timestamp())
    return kept(name, node("espi:duration", str(last - first)), node("espi:start", str(first)))


def _bytes(element: Element) -> bytes:
    text: bytes = tostring(element, encoding="utf-8")
    return text.partition(b"?>\n")[2] + b"\n" if text.startswith(b"<?xml") else text + b"\n"
