"""Events as a proof writes them: one JSON object in each line, in the order of time and arrival."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from billing.proof.facts import Proof
from billing.proof.reading import Fields, NotAProof, json_value
from billing.proof.tally import Event
from billing.usage.values import is_bounded

MAX_LINE: Final = 2**20
"""Bytes: 100 properties with their names, each character of them written out."""

KEYS: Final = frozenset({"time", "received_at", "source", "id", "type", "revision", "data"})

type Place = tuple[datetime, datetime, str, str]
"""Time, arrival, source, id."""


def read_events(lines: Iterable[bytes], proof: Proof) -> Iterator[Event]:
    """The events, each once. `NotAProof` for one out of order, or that arrived after the document was priced."""
    last: Place | None = None
    for number, line in enumerate(lines, 1):
        where = f"events.ndjson, line {number}"
        fields = Fields(json_value(line, where), where)
        place = (
            fields.instant("time"),
            fields.instant("received_at"),
            fields.text("source"),
            fields.text("id"),
        )
        if fields.value.keys() != KEYS or (last is not None and place <= last):
            raise NotAProof(f"{where}: it stands out of order, twice, or has other keys than it should.")
        if place[1] > proof.priced_at:
            raise NotAProof(f"{where}: it arrived after the document was priced.")
        last = place
        yield Event(fields.text("type"), place[0], _data(fields.child("data").value, where))


def _data(data: dict[str, Any], where: str) -> dict[str, Any]:
    for value in data.values():
        number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        if isinstance(value, dict | list) or (number and not is_bounded(value)):
            raise NotAProof(f"{where}: a property of its data is not as the intake takes it.")
    return data
