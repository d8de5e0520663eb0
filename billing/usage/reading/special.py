"""What no sum of days can give: distinct values, and single amounts.

A distinct value is a dimension of its meter's day totals (billing/usage/shapes.py): it was there on the days that have
events of it. Cut days, and meters whose totals do not serve, are read from events by the index event_by_time.
"""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from billing.usage.reading.measures import (
    Dimensions,
    Measure,
    Window,
    group_sql,
    is_served,
    values_of,
    where_sql,
)
from billing.usage.reading.sources import STRETCHES, by_days, by_events

IN_ORDER = 'e."time", e.received_at, e.source, e.event_id'
"""Time, then arrival; the identity only so that the order is never left to chance."""

type Statement = tuple[str, dict[str, Any]]
"""A query and its parameters, by name."""

_PLACEHOLDER: Final = re.compile(r"%\((\w+)\)s")

BUCKET = 'width_bucket(e."time", %(cuts)s::timestamptz[])'

DAY_BUCKET = "width_bucket(d.day, %(cut_days)s::date[])"


def events_sql(measure: Measure, parameters: dict[str, Any]) -> str:
    """From the events `e` of the stretches that the measure counts, and where; each with its quantity `q.quantity`."""
    return f"""FROM {STRETCHES}
        CROSS JOIN LATERAL (
            SELECT * FROM usage_event e
            WHERE e.account_id = %(account)s AND e.type = %(type)s AND e."time" >= s.f AND e."time" < s.u
                AND NOT e.voided AND (%(arrived_by)s::timestamptz IS NULL OR e.received_at <= %(arrived_by)s)
            OFFSET 0
        ) e
        CROSS JOIN LATERAL (SELECT usage_number(e.data -> %(value)s::text) AS quantity) q
        WHERE {where_sql(measure.where, "e.data", parameters)}"""


def days_sql(table: str, measure: Measure, parameters: dict[str, Any]) -> str:
    """From the whole days `d` of a table, those that the measure counts, and where."""
    return f"""FROM {table} d WHERE d.account_id = %(account)s AND d.meter_id = %(meter)s
        AND d.day >= %(first)s AND d.day < %(last)s AND d.day <> ALL(%(partial)s::date[])
        AND {where_sql(measure.where, "d.dimensions", parameters)}"""


def distinct(
    window: Window, measure: Measure, group_by: Sequence[str] = (), *, anew: bool = False
) -> list[tuple[int, Dimensions, Decimal]]:
    """(bucket, group, distinct values): those first seen in the bucket, or, `anew`, all that the bucket has."""
    found = rows(*distinct_statement(window, measure, group_by, anew=anew))
    return [(bucket, values_of(grouped, group_by), count) for bucket, grouped, count, _ in found]


def distinct_statement(
    window: Window, measure: Measure, group_by: Sequence[str] = (), *, anew: bool = False
) -> Statement:
    parameters = parameters_of(window, measure, group_by)
    bucket, by = ("bucket", ", bucket") if anew else ("min(bucket) AS bucket", "")
    inner = f"""SELECT {bucket}, grouped, item FROM ({_items(measure, group_by, parameters)}) i
                WHERE item <> '' GROUP BY grouped, item{by}"""
    return (
        f"SELECT bucket, grouped::text, count(*)::numeric, NULL::numeric FROM ({inner}) i GROUP BY bucket, grouped",
        parameters,
    )


def seen_before(window: Window, measure: Measure) -> set[str]:
    """The distinct values of the window."""
    parameters = parameters_of(window, measure)
    found = rows(
        f"SELECT DISTINCT item FROM ({_items(measure, (), parameters)}) i WHERE item <> ''", parameters
    )
    return {item for (item,) in found}


def _items(measure: Measure, group_by: Sequence[str], parameters: dict[str, Any]) -> str:
    """The values, at least one of each bucket and group that has it."""
    return f"""SELECT {DAY_BUCKET} AS bucket, {group_sql(group_by, "d.dimensions", parameters)} AS grouped,
                      d.dimensions ->> %(value)s::text AS item
               {days_sql("usage_daytotal", measure, parameters)} AND d.events > 0
               UNION ALL
               SELECT {BUCKET}, {group_sql(group_by, "e.data", parameters)},
                      usage_text(e.data -> %(value)s::text) {events_sql(measure, parameters)}"""


def amounts(window: Window, measure: Measure) -> list[tuple[int, Decimal]]:
    """(bucket, amount) of each event, in time order."""
    quantity = "1::numeric" if measure.meter.aggregation == "count" else "q.quantity"
    parameters = parameters_of(window, measure) | by_events(window).parameters()
    return rows(
        f"""SELECT {BUCKET}, {quantity} {events_sql(measure, parameters)} AND {quantity} IS NOT NULL
            ORDER BY {IN_ORDER}""",
        parameters,
    )


def parameters_of(window: Window, measure: Measure, group_by: Sequence[str] = ()) -> dict[str, Any]:
    """What the queries of this module are given."""
    days = by_days(window) if is_served(measure, group_by) else by_events(window)
    return {
        "account": window.account.pk,
        "meter": measure.meter.pk,
        "type": measure.meter.event_type,
        "value": measure.meter.value,
        "filter": json.dumps({name: list(values) for name, values in measure.where.items()}),
        "start": window.start,
        "end": window.end,
        "cuts": list(window.cuts),
        "arrived_by": window.arrived_by,
        **days.parameters(),
    }


def rows(statement: str, parameters: dict[str, Any]) -> list[Any]:
    """The rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[Any] = cursor.fetchall()
        return found


def rows_together(statements: Sequence[Statement]) -> list[list[Any]]:
    """The rows of several queries in one round trip, each of a bucket, a group and two numbers."""
    if len(statements) < 2:
        return [rows(*one) for one in statements]
    parts, together = [], dict[str, Any]()
    for place, (statement, parameters) in enumerate(statements):
        together |= {f"{place}_{name}": value for name, value in parameters.items()}
        own = _PLACEHOLDER.sub(rf"%({place}_\1)s", statement)
        parts.append(f"SELECT {place}, s.* FROM ({own}) s")
    found: list[list[Any]] = [[] for _ in statements]
    for place, *row in rows(" UNION ALL ".join(parts), together):
        found[place].append(row)
    return found
