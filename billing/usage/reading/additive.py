"""Events, sums and maxima: whole days from the day totals, cut days from the events, in one query."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from billing.usage.intake.totals import encode_json
from billing.usage.reading.measures import (
    Dimensions,
    Measure,
    Window,
    group_sql,
    values_of,
    wanted_rows,
)
from billing.usage.reading.sources import by_days

WANTED: Final = """json_to_recordset(%(wanted)s::json)
    AS w(place int, n int, m bigint, y text, v text, a text, f jsonb, r boolean)"""
"""The measures of the windows as a table."""


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
    wanted = list(_wanted(0, measures, group_by))
    parameters: dict[str, Any] = {"wanted": _json(wanted), **_columns(window)}
    found = _read(_statement(_GIVEN, wanted, group_by, parameters), parameters)
    return [_sums(row, group_by) for _place, row in found]


def sums_of(asked: Sequence[tuple[Window, Sequence[Measure]]]) -> list[list[Sums]]:
    """`sums` of several windows, in one statement."""
    if len(asked) == 1:
        return [sums(*asked[0])]
    wanted = [row for place, (_window, measures) in enumerate(asked) for row in _wanted(place, measures)]
    windows = [{"place": place, **_columns(window)} for place, (window, _measures) in enumerate(asked)]
    parameters = {"wanted": _json(wanted), "windows": _json(windows)}
    found: list[list[Sums]] = [[] for _ in asked]
    for place, row in _read(_statement(_LISTED, wanted, (), parameters), parameters) if wanted else ():
        found[place].append(_sums(row))
    return found


def _wanted(
    place: int, measures: Sequence[Measure], group_by: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    return ({"place": place, **row} for row in wanted_rows(enumerate(measures), group_by))


def _columns(window: Window) -> dict[str, Any]:
    """A window as `_COLUMNS` names it."""
    return {
        "account": window.account.pk,
        "cuts": list(window.cuts),
        "last_bucket": len(window.cuts) - 1,
        "since": window.start,
        "until": window.end,
        "arrived_by": window.arrived_by,
        **by_days(window).parameters(),
    }


def _json(rows: Iterable[dict[str, Any]]) -> str:
    return encode_json(list(rows)).decode()


def _read(statement: str, parameters: dict[str, Any]) -> list[tuple[int, tuple[Any, ...]]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [(place, row) for place, *row in cursor.fetchall()]


def _sums(row: Sequence[Any], group_by: Sequence[str] = ()) -> Sums:
    measure, bucket, grouped, events, total, maximum = row
    return Sums(measure, bucket, values_of(grouped, group_by), events, total, maximum)


_COLUMNS: Final = {
    "account": "bigint",
    "cuts": "timestamptz[]",
    "last_bucket": "int",
    "since": "timestamptz",
    "until": "timestamptz",
    "arrived_by": "timestamptz",
    "first": "date",
    "last": "date",
    "cut_days": "date[]",
    "partial": "date[]",
    "starts": "timestamptz[]",
    "ends": "timestamptz[]",
    "edge_days": "date[]",
    "edge_starts": "timestamptz[]",
    "edge_ends": "timestamptz[]",
}
"""A window, and where it is read from (`sources.DaySplit`)."""

_GIVEN: Final = "NOT MATERIALIZED (SELECT 0 AS place, {})".format(
    ", ".join(f"%({name})s::{kind} AS {name}" for name, kind in _COLUMNS.items())
)
"""One window as constants, by which the planner chooses partitions and indexes."""

_LISTED: Final = (
    "MATERIALIZED (SELECT * FROM jsonb_to_recordset(%(windows)s::jsonb) AS x(place int, {}))".format(
        ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    )
)


def _matches(data: str) -> str:
    """What `usage_matches` says, written out: a function would be called for each row, at several times the cost."""
    return f"""(w.f = '{{}}' OR NOT EXISTS (
        SELECT FROM jsonb_each(w.f) AS filter(name, accepted)
        WHERE NOT coalesce(filter.accepted ? usage_text({data} -> filter.name), false)))"""


def _statement(
    windows: str, wanted: Sequence[dict[str, Any]], group_by: Sequence[str], parameters: dict[str, Any]
) -> str:
    """The one query, whose groups it adds to `parameters`.

    `OFFSET 0` holds the planner to one range of an index for each measure, in the day totals and in the events of a
    stretch: where it takes windows or stretches for many, it would read all that there is and join it then.
    """
    served = {row["r"] for row in wanted}
    sources = [_by_totals(group_by, parameters)] if True in served else []
    sources += [_by_events(group_by, parameters)] if False in served else []
    return f"""
        WITH x AS {windows},
        w AS MATERIALIZED (SELECT * FROM {WANTED}),
        {_WHOLE},
        found AS ({" UNION ALL ".join(sources)})
        SELECT place, n, bucket, grouped::text, sum(events)::bigint, coalesce(sum(total), 0), max(maximum) FROM found
        GROUP BY place, n, bucket, grouped HAVING sum(events) <> 0"""


_WHOLE: Final = """whole AS MATERIALIZED (
            SELECT x.place, g.day
            FROM x CROSS JOIN LATERAL unnest(x.edge_days, x.edge_starts, x.edge_ends) AS g(day, f, u)
            WHERE NOT EXISTS (
                SELECT FROM (SELECT DISTINCT y FROM w WHERE w.place = x.place) t CROSS JOIN LATERAL (
                    SELECT FROM usage_event e
                    WHERE e.account_id = x.account AND e.type = t.y AND e."time" >= g.f AND e."time" < g.u LIMIT 1
                ) z
            )
        )"""
"""Cut days that no event lies in beyond the cut."""


def _events_of(since: str, until: str) -> str:
    """The events of a measure w, in a window x."""
    return f"""usage_event e
                WHERE e.account_id = x.account AND e.type = w.y AND e."time" >= {since} AND e."time" < {until}
                    AND NOT e.voided AND (x.arrived_by IS NULL OR e.received_at <= x.arrived_by)"""


_QUANTITY: Final = "CASE WHEN w.a = 'count' THEN 1 ELSE usage_number(e.data -> w.v) END"
_NAMED: Final = "w.a = 'unique' AND usage_text(e.data -> w.v) <> ''"


def _by_totals(group_by: Sequence[str], parameters: dict[str, Any]) -> str:
    """Measures that day totals serve: whole days from those, and events of the stretches that are cut off."""
    return f"""
            SELECT x.place, w.n, least(width_bucket(d.day, x.cut_days), x.last_bucket) AS bucket,
                   {group_sql(group_by, "d.dimensions", parameters)} AS grouped, d.events, d.total, d.maximum
            FROM x JOIN w ON w.place = x.place
            CROSS JOIN LATERAL (
                SELECT * FROM usage_daytotal d
                WHERE d.account_id = x.account AND d.meter_id = w.m AND d.day >= x.first AND d.day <= x.last
                OFFSET 0
            ) d
            WHERE w.r
              AND (d.day < x.last AND d.day <> ALL(x.partial)
                   OR (x.place, d.day) IN (SELECT place, day FROM whole))
              AND {_matches("d.dimensions")}
            UNION ALL
            SELECT x.place, w.n, width_bucket(e."time", x.cuts),
                   {group_sql(group_by, "e.data", parameters)}, 1, q.quantity, q.quantity
            FROM x JOIN w ON w.place = x.place
            CROSS JOIN LATERAL unnest(x.partial, x.starts, x.ends) AS s(day, f, u)
            CROSS JOIN LATERAL (SELECT e."time", e.data FROM {_events_of("s.f", "s.u")} OFFSET 0) e
            CROSS JOIN LATERAL (SELECT {_QUANTITY} AS quantity) q
            WHERE w.r AND (x.place, s.day) NOT IN (SELECT place, day FROM whole)
              AND {_matches("e.data")} AND (q.quantity IS NOT NULL OR {_NAMED})"""


def _by_events(group_by: Sequence[str], parameters: dict[str, Any]) -> str:
    """Other measures: all events of the window, which may be many. So they are summed by plain texts where they are
    read, and the bounds stand there as the constants that they mostly are.
    """
    names = [f"group{n}" for n in range(len(group_by))]
    parameters |= dict(zip(names, group_by, strict=True))
    texts = "".join(f", usage_text(e.data -> %({name})s::text) AS {name}" for name in names)
    groups = "".join(f", {name}" for name in names)
    pairs = ", ".join(f"%({name})s::text, e.{name}" for name in names)
    return f"""
            SELECT x.place, w.n, e.bucket, jsonb_build_object({pairs}) AS grouped, e.events, e.total, e.maximum
            FROM x JOIN w ON w.place = x.place
            CROSS JOIN LATERAL (
                SELECT bucket{groups}, count(*) AS events, sum(quantity) AS total, max(quantity) AS maximum
                FROM (
                    SELECT width_bucket(e."time", x.cuts) AS bucket{texts}, {_QUANTITY} AS quantity, {_NAMED} AS named
                    FROM {_events_of("x.since", "x.until")} AND {_matches("e.data")}
                    OFFSET 0
                ) e
                WHERE quantity IS NOT NULL OR named GROUP BY bucket{groups} OFFSET 0
            ) e
            WHERE NOT w.r"""
