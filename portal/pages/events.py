"""Raw events: which are asked for, and a page of them, newest first."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import Account
from billing.plans.models import Meter, Period
from billing.pricing.dates import DAY, local_midnight
from billing.usage.queries import (
    EventDetail,
    EventPage,
    Position,
    Sought,
    counted_for,
    events_page,
    meters_by_code,
)
from billing.usage.values import text_of
from portal import dates, formats
from portal.pages.positions import read_position, write_position
from portal.pages.usage_question import Question, read_question

PAGE: Final = 50
OWN: Final = ("from", "to", "meter", "type", "source", "after", "before")
"""Names in the address that are no dimension; one that is called so is asked for with `dimension.` before it."""
NAMELESS: Final = "-"
_PLAIN: Final = re.compile(r"[\w~:@-][\w.~:@-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class EventQuestion:
    """What is asked for: the days of `span`, one meter or all, and what the events must have. `errors` are as in
    `Question`.
    """

    span: Question
    meters: Mapping[str, Meter]
    meter: Meter | None
    type: str
    source: str
    matching: Mapping[str, Sequence[str]]
    errors: tuple[tuple[str, str], ...]

    @property
    def shown(self) -> list[Meter]:
        """The meters whose quantities are shown."""
        if self.meter:
            return [self.meter]
        return [one for one in self.meters.values() if self.type in ("", one.event_type)]

    @property
    def dimensions(self) -> list[str]:
        return sorted({name for one in self.shown for name in one.dimensions})

    @property
    def fields(self) -> list[tuple[str, str, str]]:
        """Of each dimension its name in the address, its name, and the value that is asked for."""
        return [
            (parameter(name), name, next(iter(self.matching.get(name, ())), "")) for name in self.dimensions
        ]

    @property
    def filtered(self) -> bool:
        return bool(self.type or self.source or self.matching)

    @property
    def query(self) -> dict[str, str | Sequence[str]]:
        """What an address of the same question has."""
        asked: dict[str, str | Sequence[str]] = {
            "from": self.span.first.isoformat(),
            "to": self.span.last.isoformat(),
            "meter": self.meter.code if self.meter else "",
            "type": self.type,
            "source": self.source,
        }
        asked |= {parameter(name): values for name, values in self.matching.items()}
        return {name: value for name, value in asked.items() if value}

    def sought(self, account: Account) -> Sought:
        kind = self.meter.event_type if self.meter else self.type
        return Sought(
            types=[kind] if kind else sorted({one.event_type for one in self.meters.values()}),
            start=local_midnight(self.span.first, account.timezone),
            end=local_midnight(self.span.last + DAY, account.timezone),
            source=self.source,
            matching=self.matching,
            meter=self.meter,
        )


@dataclass(frozen=True, slots=True)
class EventRow:
    """`counted`: (meter, quantity with its unit); `facts`: (dimension, value)."""

    event: EventDetail
    url: str
    counted: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, str]]
    late: bool


@dataclass(frozen=True, slots=True)
class EventsPage:
    """`newer` and `older` are addresses, "" where nothing is; `begun`: this is the first page."""

    question: EventQuestion
    span: str
    rows: Sequence[EventRow]
    types: Sequence[str]
    newer: str
    older: str
    begun: bool
    first_url: str
    csv_url: str


def parameter(dimension: str) -> str:
    """The name of a dimension in an address."""
    return f"dimension.{dimension}" if dimension in OWN else dimension


def read_events_question(
    data: QueryDict, account: Account, at: datetime, running: Period | None
) -> EventQuestion:
    """The question in a query string, as `read_question`: what is wrong is named and left out."""
    span, meters = (
        read_question({name: data.get(name, "") for name in data}, account, at, running),
        meters_by_code(),
    )
    errors = list(span.errors)
    meter, kind = data.get("meter", ""), data.get("type", "")
    if meter and meter not in meters:
        errors.append(("meter", gettext("There is no such meter: choose one of the list")))
    if kind and kind not in {one.event_type for one in meters.values()}:
        errors.append(("type", gettext("No meter counts events of this type: choose one of the list")))
        kind = ""
    declared = {name for one in meters.values() for name in one.dimensions}
    asked = {name: [_clean(one) for one in data.getlist(parameter(name))] for name in sorted(declared)}
    return EventQuestion(
        span=span,
        meters=meters,
        meter=meters.get(meter),
        type=kind,
        source=_clean(data.get("source", "")),
        matching={name: kept for name, values in asked.items() if (kept := [one for one in values if one])},
        errors=tuple(errors),
    )


def _clean(text: str) -> str:
    """No stored text has a zero character, and the database takes none."""
    return text.replace("\0", "").strip()


def show_events_page(account: Account, question: EventQuestion, after: str, before: str) -> EventsPage:
    found, begun = _page(account, question, read_position(after), read_position(before))
    closed = closed_periods(account, question)
    return EventsPage(
        question=question,
        span=dates.span(question.span.first, question.span.last),
        rows=[_row(event, question, closed) for event in found.events],
        types=sorted({one.event_type for one in question.meters.values()}),
        newer=_address(question, "before", found.newer),
        older=_address(question, "after", found.next),
        begun=begun,
        first_url=f"?{urlencode(question.query, doseq=True)}",
        csv_url=f"{reverse('portal:events_csv')}?{urlencode(question.query, doseq=True)}",
    )


def _page(
    account: Account, question: EventQuestion, after: Position | None, before: Position | None
) -> tuple[EventPage, bool]:
    """The page, and whether it is the first. One that goes back to the newest event is the first, and as full as it."""
    sought = question.sought(account)
    found = events_page(account, sought, after=after, before=before, limit=PAGE)
    if before is None or found.newer is not None:
        return found, after is None and before is None
    return events_page(account, sought, limit=PAGE), True


def _address(question: EventQuestion, side: str, position: Position | None) -> str:
    if position is None:
        return ""
    return f"?{urlencode({**question.query, side: write_position(position)}, doseq=True)}"


type Closed = Sequence[tuple[datetime, datetime, datetime]]
"""Start and end of periods, and when their usage was invoiced."""


def closed_periods(account: Account, question: EventQuestion) -> Closed:
    """The invoiced periods of the days asked for."""
    sought = question.sought(account)
    rows = Period.objects.filter(account=account, trial=False, closed_at__isnull=False)
    rows = rows.filter(start__lt=sought.end, end__gt=sought.start).only("start", "end", "closed_at")
    return [(row.start, row.end, row.closed_at) for row in rows if row.closed_at]


def is_late(event: EventDetail, closed: Closed) -> bool:
    """Whether it, or its present revision, came after its period was invoiced."""
    return any(start <= event.time < end and event.received_at > at for start, end, at in closed)


def event_url(event: EventDetail) -> str:
    """The event's page. An id that is no plain word stands in the query: paths change ".." and "//"."""
    plain = _PLAIN.fullmatch(event.id)
    query = {"source": event.source} if plain else {"source": event.source, "id": event.id}
    return f"{reverse('portal:event', args=[event.id if plain else NAMELESS])}?{urlencode(query)}"


def _row(event: EventDetail, question: EventQuestion, closed: Closed) -> EventRow:
    return EventRow(
        event=event,
        url=event_url(event),
        counted=[
            (formats.text_of(meter.name), quantity_words(meter, quantity))
            for meter, quantity in counted_for(event, question.shown)
        ],
        facts=list(facts_of(event, question.dimensions)),
        late=is_late(event, closed),
    )


def quantity_words(meter: Meter, quantity: Decimal | str) -> str:
    """ "400,000 tokens"; of distinct values the value."""
    if isinstance(quantity, str):
        return quantity
    return f"{formats.number(quantity)} {formats.plural(formats.text_of(meter.unit), quantity)}"


def facts_of(event: EventDetail, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        value = text_of(event.data.get(name))
        if value:
            yield name, value
