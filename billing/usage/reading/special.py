"""Aggregations that no sum of days can give: distinct values, the latest value, levels over time, single amounts.

All read events by the index event_by_time (account, type, time).
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.usage.reading.additive import Dimensions
from billing.usage.reading.measures import Measure, Window, group_sql

IN_ORDER = 'e."time", e.received_at, e.source, e.event_id'
"""Time, then arrival; the identity only so that the order is never left to chance."""

_EVENTS = """FROM usage_event e
    CROSS JOIN LATERAL (SELECT usage_number(e.data -> %(value)s::text) AS quantity) q
    WHERE e.account_id = %(account)s AND e.type = %(type)s AND e."time" < %(end)s AND NOT e.voided
      AND (%(arrived_by)s::timestamptz IS NULL OR e.received_at <= %(arrived_by)s)
      AND usage_matches(e.data, %(filter)s::jsonb)"""
_BUCKET = 'width_bucket(e."time", %(cuts)s::timestamptz[])'


def distinct(
    window: Window, measure: Measure, group_by: Sequence[str] = (), *, anew: bool = False
) -> list[tuple[int, Dimensions, Decimal]]:
    """(bucket, group, distinct values): those first seen in the bucket, or, `anew`, all that the bucket has."""
    parameters = parameters_of(window, measure)
    bucket = _BUCKET if anew else f"min({_BUCKET})"
    by = ", bucket" if anew else ""
    inner = f"""SELECT {bucket} AS bucket, {group_sql(group_by, "e.data", parameters)} AS grouped,
                       usage_text(e.data -> %(value)s::text) AS item
                {_EVENTS} AND e."time" >= %(start)s AND usage_text(e.data -> %(value)s::text) <> ''
                GROUP BY grouped, item{by}"""
    rows = _rows(
        f"SELECT bucket, grouped::text, count(*) FROM ({inner}) i GROUP BY bucket, grouped", parameters
    )
    return [(bucket, _values(grouped, group_by), Decimal(count)) for bucket, grouped, count in rows]


def latest(
    window: Window, measure: Measure, group_by: Sequence[str] = ()
) -> list[tuple[int, Dimensions, Decimal]]:
    """(bucket, group, value of the bucket's last event)."""
    parameters = parameters_of(window, measure)
    rows = _rows(
        f"""SELECT DISTINCT ON (bucket, grouped) bucket, grouped::text, quantity FROM (
                SELECT {_BUCKET} AS bucket, {group_sql(group_by, "e.data", parameters)} AS grouped, q.quantity,
                       e."time", e.received_at, e.source, e.event_id
                {_EVENTS} AND e."time" >= %(start)s AND q.quantity IS NOT NULL
            ) e ORDER BY bucket, grouped, e."time" DESC, e.received_at DESC, e.source DESC, e.event_id DESC""",
        parameters,
    )
    return [(bucket, _values(grouped, group_by), quantity) for bucket, grouped, quantity in rows]


def level_steps(
    window: Window, measure: Measure, group_by: Sequence[str] = ()
) -> list[tuple[int, Dimensions, Decimal, Decimal]]:
    """(bucket, group, Σ step, Σ step × its microsecond): by how much levels rose, and when.

    A level holds until the next event of the same dimension values, so it is the sum of its steps, and its
    integral up to an instant is Σ step × (instant − step's instant). Steps before the start count as at the start.
    """
    parameters = parameters_of(window, measure)
    series = group_sql(measure.meter.dimensions, "e.data", parameters)
    moment = 'extract(epoch FROM greatest(e."time", %(start)s)) * 1000000'
    parameters |= {f"by{n}": name for n, name in enumerate(group_by)}
    pairs = [f"%(by{n})s::text, usage_text(e.data -> %(by{n})s::text)" for n in range(len(group_by))]
    grouped = f"jsonb_build_object({', '.join(pairs)})" if pairs else "'{}'::jsonb"
    rows = _rows(
        f"""SELECT bucket, grouped::text, sum(step), sum(step * moment) FROM (
                SELECT {_BUCKET} AS bucket, {grouped} AS grouped, {moment} AS moment,
                       q.quantity - lag(q.quantity, 1, 0::numeric)
                           OVER (PARTITION BY {series} ORDER BY {IN_ORDER}) AS step
                {_EVENTS} AND q.quantity IS NOT NULL
            ) s GROUP BY bucket, grouped""",
        parameters,
    )
    return [(bucket, _values(grouped, group_by), step, moved) for bucket, grouped, step, moved in rows]


def amounts(window: Window, measure: Measure) -> list[tuple[int, Decimal]]:
    """(bucket, amount) of each event, in time order."""
    quantity = "1::numeric" if measure.meter.aggregation == "count" else "q.quantity"
    return _rows(
        f"""SELECT {_BUCKET}, {quantity} {_EVENTS} AND e."time" >= %(start)s AND {quantity} IS NOT NULL
            ORDER BY {IN_ORDER}""",
        parameters_of(window, measure),
    )


def seen_before(window: Window, measure: Measure) -> set[str]:
    """The distinct values of the window."""
    rows = _rows(
        f"""SELECT DISTINCT usage_text(e.data -> %(value)s::text) {_EVENTS} AND e."time" >= %(start)s
            AND usage_text(e.data -> %(value)s::text) <> ''""",
        parameters_of(window, measure),
    )
    return {item for (item,) in rows}


def levels_before(window: Window, measure: Measure) -> dict[Dimensions, Decimal]:
    """The level of each set of the meter's dimension values as the window ends, be it set before the window."""
    parameters = parameters_of(window, measure)
    names = measure.meter.dimensions
    rows = _rows(
        f"""SELECT DISTINCT ON (series) {group_sql(names, "e.data", parameters)} AS series, q.quantity
            {_EVENTS} AND q.quantity IS NOT NULL
            ORDER BY series, e."time" DESC, e.received_at DESC, e.source DESC, e.event_id DESC""",
        parameters,
    )
    return {_values(series, names): level for series, level in rows}


def parameters_of(window: Window, measure: Measure) -> dict[str, Any]:
    """What the queries of this module are given."""
    return {
        "account": window.account.pk,
        "type": measure.meter.event_type,
        "value": measure.meter.value,
        "filter": json.dumps({name: list(values) for name, values in measure.where.items()}),
        "start": window.start,
        "end": window.end,
        "cuts": list(window.cuts),
        "arrived_by": window.arrived_by,
    }


def _rows(statement: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[Any] = cursor.fetchall()
        return rows


def _values(grouped: str, group_by: Sequence[str]) -> Dimensions:
    found = json.loads(grouped)
    return tuple(found.get(name) for name in group_by)
