"""Events as CSV, newest first: streamed, a page at a time, each read in a transaction of its own."""

from collections.abc import Iterator
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from accounts.models import Account
from billing.invoices.exports.cells import Cell, Number, csv_rows
from billing.invoices.exports.reading import read_now
from billing.pricing.dates import utc
from billing.pricing.money import plain
from billing.usage.queries import EventDetail, counted_for, events_page
from billing.usage.values import text_of
from portal.pages.events import Closed, EventQuestion, is_late

ROWS: Final = 1_000
"""Events of a page."""
COLUMNS: Final = (
    "time",
    "local_time",
    "received_at",
    "late",
    "type",
    "source",
    "id",
    "revision",
    "voided",
)


def events_csv(account: Account, question: EventQuestion, closed: Closed) -> Iterator[bytes]:
    """The file: one column for each dimension, and one for each meter with what it counted."""
    meters, dimensions = question.shown, question.dimensions
    yield csv_rows(
        [
            (
                *COLUMNS,
                *(f"dimension.{name}" for name in dimensions),
                *(f"quantity.{one.code}" for one in meters),
            )
        ]
    )
    sought, zone, after = question.sought(account), ZoneInfo(account.timezone), None
    while True:
        read = partial(events_page, account, sought, after=after, limit=ROWS)
        page = read_now(account, read)
        yield csv_rows(_cells(event, question, closed, zone) for event in page.events)
        after = page.next
        if after is None:
            return


def _cells(event: EventDetail, question: EventQuestion, closed: Closed, zone: ZoneInfo) -> list[Cell]:
    counted = {meter.code: quantity for meter, quantity in counted_for(event, question.shown)}
    quantities = (counted.get(one.code) for one in question.shown)
    return [
        Number(utc(event.time)),
        Number(event.time.astimezone(zone).isoformat()),
        Number(utc(event.received_at)),
        _yes(is_late(event, closed)),
        event.type,
        event.source,
        event.id,
        event.revision,
        _yes(event.voided),
        *(text_of(event.data.get(name)) for name in question.dimensions),
        *(one if one is None or isinstance(one, str) else Number(plain(one)) for one in quantities),
    ]


def _yes(true: bool) -> str:
    return "yes" if true else "no"
