"""Events, sums and maxima: whole days from the day totals, cut days from the events, in one query."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.usage.reading.measures import (
    WANTED,
    Dimensions,
    Measure,
    Window,
    group_sql,
    values_of,
    wanted_json,
)
from billing.usage.reading.sources import DAY_STRETCHES, EDGES, by_days


@dataclass(frozen=True, slots=True)
class Sums:
    """What one measure has in one bucket, for one set of the values grouped by."""

    measure: int
    bucket: int
    dimensions: Dimensions
    events: int
    total: Decimal
    maximum: Decimal | None


def sums(window: Window, measures: Sequence[Measure], group_by: Sequence[str] = ()) -> list[Sums]:
    """The sums by measure, bucket and group; buckets without events are left out."""
    if not measures:
        return []
    parameters: dict[str, Any] = {
        "wanted": wanted_json(enumerate(measures), group_by),
        "account": window.account.pk,
        "meters": sorted({measure.meter.pk for measure in measures}),
        "cuts": list(window.cuts),
        "last_bucket": len(window.cuts) - 1,
        "start": window.start,
        "end": window.end,
        "arrived_by": window.arrived_by,
        **by_days(window).parameters(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_statement(group_by, parameters), parameters)
        return [Sums(n, b, values_of(g, group_by), e, t, x) for n, b, g, e, t, x in cursor.fetchall()]


def _statement(group_by: Sequence[str], parameters: dict[str, Any]) -> str:
    """The one query, whose groups it adds to `parameters`.

    `whole`: cut days that no event lies in beyond the cut. `OFFSET 0` holds the planner to one range of event_by_time
    for each stretch: where it takes stretches for many, it would read all events and then join them with the few, or
    none, that there are.
    """
    return f"""
        WITH w AS MATERIALIZED (SELECT * FROM {WANTED}),
        whole AS MATERIALIZED (
            SELECT g.day FROM {EDGES} WHERE NOT EXISTS (
                SELECT FROM (SELECT DISTINCT y FROM w) t CROSS JOIN LATERAL (
                    SELECT FROM usage_event e
                    WHERE e.account_id = %(account)s AND e.type = t.y AND e."time" >= g.f AND e."time" < g.u LIMIT 1
                ) x
            )
        ),
        stretches(r, f, u) AS (
            SELECT true, f, u FROM {DAY_STRETCHES} WHERE s.day NOT IN (SELECT day FROM whole)
            UNION ALL SELECT false, %(start)s, %(end)s WHERE EXISTS (SELECT FROM w WHERE NOT w.r)
        ),
        found AS (
            SELECT w.n, least(width_bucket(d.day, %(cut_days)s::date[]), %(last_bucket)s) AS bucket,
                   {group_sql(group_by, "d.dimensions", parameters)} AS grouped, d.events, d.total, d.maximum
            FROM w JOIN usage_daytotal d ON d.account_id = %(account)s AND d.meter_id = w.m
                AND d.meter_id = ANY(%(meters)s::bigint[])
            WHERE w.r AND d.day >= %(first)s AND d.day <= %(last)s
              AND (d.day < %(last)s AND d.day <> ALL(%(partial)s::date[]) OR d.day IN (SELECT day FROM whole))
              AND (w.f = '{{}}' OR usage_matches(d.dimensions, w.f))
            UNION ALL
            SELECT w.n, width_bucket(e."time", %(cuts)s::timestamptz[]),
                   {group_sql(group_by, "e.data", parameters)}, 1, q.quantity, q.quantity
            FROM w JOIN stretches s ON s.r = w.r
            CROSS JOIN LATERAL (
                SELECT e."time", e.data FROM usage_event e
                WHERE e.account_id = %(account)s AND e.type = w.y AND e."time" >= s.f AND e."time" < s.u
                    AND NOT e.voided AND (%(arrived_by)s::timestamptz IS NULL OR e.received_at <= %(arrived_by)s)
                OFFSET 0
            ) e
            CROSS JOIN LATERAL (
                SELECT CASE WHEN w.a = 'count' THEN 1 ELSE usage_number(e.data -> w.v) END AS quantity
            ) q
            WHERE (w.f = '{{}}' OR usage_matches(e.data, w.f))
              AND (q.quantity IS NOT NULL OR (w.a = 'unique' AND usage_text(e.data -> w.v) <> ''))
        )
        SELECT n, bucket, grouped::text, sum(events)::bigint, coalesce(sum(total), 0), max(maximum) FROM found
        GROUP BY n, bucket, grouped HAVING sum(events) <> 0"""
