"""Events, sums and maxima: whole days from the day totals, cut days from the events, in one query."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.usage.days import day_bounds
from billing.usage.models import DayTotal
from billing.usage.reading.measures import WANTED, Measure, Window, group_sql, split, wanted_json, zone_of

type Dimensions = tuple[str | None, ...]


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
        "cuts": list(window.cuts),
        **_days(window),
    }
    statement = f"""
        WITH w AS MATERIALIZED (SELECT * FROM {WANTED}),
        stretches(r, f, u) AS (
            SELECT true, f, u FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS s(f, u)
            UNION ALL SELECT false, %(start)s, %(end)s
        ),
        found AS (
            SELECT w.n, width_bucket(d.day, %(cut_days)s::date[]) AS bucket,
                   {group_sql(group_by, "d.dimensions", parameters)} AS grouped, d.events, d.total, d.maximum
            FROM w JOIN usage_daytotal d ON d.account_id = %(account)s AND d.meter_id = w.m
            WHERE w.r AND d.day >= %(first)s AND d.day < %(last)s AND d.day <> ALL(%(partial)s::date[])
              AND usage_matches(d.dimensions, w.f)
            UNION ALL
            SELECT w.n, width_bucket(e."time", %(cuts)s::timestamptz[]),
                   {group_sql(group_by, "e.data", parameters)}, 1, q.quantity, q.quantity
            FROM w JOIN stretches s ON s.r = w.r
            JOIN usage_event e ON e.account_id = %(account)s AND e.type = w.y AND e."time" >= s.f AND e."time" < s.u
                AND (%(arrived_by)s::timestamptz IS NULL OR e.received_at <= %(arrived_by)s)
            CROSS JOIN LATERAL (
                SELECT CASE WHEN w.a = 'count' THEN 1 ELSE usage_number(e.data -> w.v) END AS quantity
            ) q
            WHERE NOT e.voided AND usage_matches(e.data, w.f)
              AND (q.quantity IS NOT NULL OR (w.a = 'unique' AND usage_text(e.data -> w.v) <> ''))
        )
        SELECT n, bucket, grouped::text, sum(events)::bigint, coalesce(sum(total), 0), max(maximum) FROM found
        GROUP BY n, bucket, grouped HAVING sum(events) <> 0"""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [Sums(n, b, _values(g, group_by), e, t, x) for n, b, g, e, t, x in cursor.fetchall()]


def _days(window: Window) -> dict[str, Any]:
    days = split(window, zone_of(window.account), _grown_since(window))
    return {
        "arrived_by": window.arrived_by,
        "start": window.start,
        "end": window.end,
        "first": days.first,
        "last": days.last,
        "cut_days": list(days.cut_days),
        "partial": list(days.partial),
        "starts": [start for start, _ in days.stretches],
        "ends": [end for _, end in days.stretches],
    }


def _grown_since(window: Window) -> list[date]:
    """The days whose totals hold more than had arrived by the instant that the window asks about."""
    if window.arrived_by is None:
        return []
    totals = DayTotal.objects.filter(account=window.account, arrived_at__gt=window.arrived_by)
    around = (window.start.date() - timedelta(days=1), window.end.date() + timedelta(days=1))
    zone = zone_of(window.account)
    return [
        day
        for day in totals.filter(day__range=around).values_list("day", flat=True).distinct()
        if day_bounds(zone, day)[0] < window.end and day_bounds(zone, day)[1] > window.start
    ]


def _values(grouped: str, group_by: Sequence[str]) -> Dimensions:
    found = json.loads(grouped)
    return tuple(found.get(name) for name in group_by)
