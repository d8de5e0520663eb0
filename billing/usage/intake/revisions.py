"""What becomes of an event whose identity is known already: duplicate, conflict, correction, or nothing.

Content is compared after parsing, numbers by value; a property that a meter reads as a quantity is a number also
where it was sent as a decimal string. A time that was not given is no part of the content.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec
from django.db import connection

from billing.usage.intake.attributes import Incoming
from billing.usage.intake.context import MeterShape
from billing.usage.intake.purged import Purged, content_hash
from billing.usage.intake.totals import encode_json
from billing.usage.models import RollupShape
from billing.usage.values import number_of

type Identity = tuple[int, str, str]
"""(account id, source, id)."""

type Verdict = Literal["lower", "same", "conflict", "higher"]

decode_data: Final = msgspec.json.Decoder(float_hook=Decimal).decode


class Known(msgspec.Struct):
    """A stored event."""

    type: str
    time: datetime
    timed: bool
    received_at: datetime
    revision: int
    voided: bool
    data: dict[str, Any]


def load_known(identities: Iterable[Identity], lock: bool) -> dict[Identity, Known]:
    """The stored events of these identities; locked, in order of their keys, if they may be replaced."""
    rows = [{"a": account_id, "s": source, "i": id_} for account_id, source, id_ in sorted(identities)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT e.account_id, e.source, e.event_id, e.type, e."time", e.timed, e.received_at, e.revision,
                       e.voided, e.data::text
                FROM json_to_recordset(%s::json) AS batch(a bigint, s text, i text)
                JOIN usage_event e ON e.account_id = a AND e.source = s AND e.event_id = i
                ORDER BY e.account_id, e.source, e.event_id {"FOR UPDATE OF e" if lock else ""}""",
            [msgspec.json.encode(rows).decode()],
        )
        return {row[:3]: _known(row) for row in cursor.fetchall()}


def _known(row: tuple[Any, ...]) -> Known:
    type_, time, timed, received_at, revision, voided, data = row[3:]
    return Known(type_, time, timed, received_at, revision, voided, decode_data(data))


def compare(event: Incoming, known: Known | Purged, meters: list[MeterShape]) -> Verdict:
    """How an event stands to the stored or purged one of its identity (contract, section 6)."""
    if event.revision != known.revision:
        return "lower" if event.revision < known.revision else "higher"
    values = by_value(event.data, meters)
    if isinstance(known, Purged):
        same = content_hash(event.type, event.voided, event.time, values) == known.content
    else:
        same = (
            event.type == known.type
            and event.voided == known.voided
            and event.time == (known.time if known.timed else None)
            and values == by_value(known.data, meters)
        )
    return "same" if same else "conflict"


def by_value(
    data: dict[str, Any], meters: Sequence[MeterShape] | Sequence[RollupShape]
) -> dict[str, tuple[type, Any]]:
    """Data in which equal means the same: true is not 1, and quantities are numbers."""
    quantities = {meter.value for meter in meters if meter.aggregation not in ("count", "unique")}
    values = {}
    for name, value in data.items():
        number = number_of(value) if name in quantities or not isinstance(value, str) else None
        values[name] = (Decimal, number) if number is not None else (type(value), value)
    return values


def replace(identity: Identity, event: Known) -> None:
    """Write a higher revision over the stored event, which is locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE usage_event SET type = %s, "time" = %s, timed = %s, received_at = %s, revision = %s,
                      voided = %s, data = %s::jsonb WHERE account_id = %s AND source = %s AND event_id = %s""",
            [*_columns(event), *identity],
        )


def _columns(event: Known) -> list[Any]:
    data = encode_json(event.data).decode()
    return [event.type, event.time, event.timed, event.received_at, event.revision, event.voided, data]
