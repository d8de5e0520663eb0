"""Levels: the latest value, and how levels rose and fell over time.

Whole days come from the day levels (models.DayLevel), each as if it were one event; cut days, and meters whose totals
do not serve, from the events. A level holds until the next one of the same dimension values, so the one before a window
is asked for by its key, however long ago it was set.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from billing.pricing.money import ZERO, exact
from billing.usage.days import day_bounds, day_of
from billing.usage.reading.measures import (
    Dimensions,
    Measure,
    Window,
    group_sql,
    is_served,
    values_of,
    where_sql,
)
from billing.usage.reading.special import (
    BUCKET,
    DAY_BUCKET,
    Statement,
    days_sql,
    events_sql,
    parameters_of,
    rows,
)

_EVER = datetime(1, 1, 1, tzinfo=UTC)
_MICROSECOND = "extract(epoch FROM {}) * 1000000"

# The last day of each series that lies before the window's first, going down the index level_by_key from key to key.
_BEFORE = """before AS (
    (SELECT l.key, l.dimensions, l.level FROM usage_daylevel l
     WHERE l.account_id = %(account)s AND l.meter_id = %(meter)s AND l.day < %(since_day)s::date
     ORDER BY l.key DESC, l.day DESC LIMIT 1)
    UNION ALL
    SELECT l.key, l.dimensions, l.level FROM before b CROSS JOIN LATERAL (
        SELECT * FROM usage_daylevel l
        WHERE l.account_id = %(account)s AND l.meter_id = %(meter)s AND l.day < %(since_day)s::date AND l.key < b.key
        ORDER BY l.key DESC, l.day DESC LIMIT 1
    ) l
)"""
_START = _MICROSECOND.format("%(start)s::timestamptz")
_MOMENT = _MICROSECOND.format('greatest(e."time", %(start)s)')


def _levels_sql(measure: Measure, parameters: dict[str, Any]) -> str:
    """The series' levels, in order: one before the window, a row for each whole day, one for each event of a cut day.

    `moved` is level × moment, or what a day says in its place: Σ step × moment, its first step being from zero.
    """
    return f"""RECURSIVE {_BEFORE}, levels AS (
    SELECT 0 AS bucket, b.dimensions AS data, '-infinity'::timestamptz AS "time", NULL::timestamptz AS received_at,
           NULL::text AS source, NULL::text AS event_id, {_START} AS moment, b.level, b.level * {_START} AS moved
    FROM before b WHERE {where_sql(measure.where, "b.dimensions", parameters)}
    UNION ALL
    SELECT {DAY_BUCKET}, d.dimensions, d.first_at, NULL, NULL, NULL, {_MICROSECOND.format("d.first_at")}, d.level,
           d.moved
    {days_sql("usage_daylevel", measure, parameters)}
    UNION ALL
    SELECT {BUCKET}, e.data, e."time", e.received_at, e.source, e.event_id, {_MOMENT}, q.quantity,
           q.quantity * {_MOMENT}
    {events_sql(measure, parameters)} AND q.quantity IS NOT NULL
    )"""


def latest(
    window: Window, measure: Measure, group_by: Sequence[str] = ()
) -> list[tuple[int, Dimensions, Decimal]]:
    """(bucket, group, value of the bucket's last event)."""
    found = rows(*latest_statement(window, measure, group_by))
    return [(bucket, values_of(grouped, group_by), level) for bucket, grouped, level, _ in found]


def latest_statement(window: Window, measure: Measure, group_by: Sequence[str] = ()) -> Statement:
    parameters = parameters_of(window, measure, group_by)
    return (
        f"""SELECT DISTINCT ON (bucket, grouped) bucket, grouped::text, level, NULL::numeric FROM (
                SELECT {DAY_BUCKET} AS bucket, {group_sql(group_by, "d.dimensions", parameters)} AS grouped, d.level,
                       d.last_at, d.last_received_at, d.last_source, d.last_event_id
                {days_sql("usage_daylevel", measure, parameters)}
                UNION ALL
                SELECT {BUCKET}, {group_sql(group_by, "e.data", parameters)}, q.quantity,
                       e."time", e.received_at, e.source, e.event_id
                {events_sql(measure, parameters)} AND q.quantity IS NOT NULL
            ) l
            ORDER BY bucket, grouped, last_at DESC, last_received_at DESC, last_source DESC, last_event_id DESC""",
        parameters,
    )


def level_steps(
    window: Window, measure: Measure, group_by: Sequence[str] = ()
) -> list[tuple[int, Dimensions, Decimal, Decimal]]:
    """(bucket, group, Σ step, Σ step × its microsecond): by how much levels rose, and when.

    A level is the sum of its steps, and its integral up to an instant is Σ step × (instant − step's instant). Steps
    before the start count as at the start.
    """
    found = rows(*steps_statement(window, measure, group_by))
    return [(bucket, values_of(grouped, group_by), step, moved) for bucket, grouped, step, moved in found]


def steps_statement(window: Window, measure: Measure, group_by: Sequence[str] = ()) -> Statement:
    parameters = _parameters(window, measure, group_by)
    series = group_sql(measure.meter.dimensions, "data", parameters, "series")
    return (
        f"""WITH {_levels_sql(measure, parameters)}
            SELECT bucket, grouped::text, sum(level - held), sum(moved - held * moment) FROM (
                SELECT bucket, {group_sql(group_by, "data", parameters)} AS grouped, level, moved, moment,
                       lag(level, 1, 0::numeric) OVER (
                           PARTITION BY {series} ORDER BY "time", received_at, source, event_id) AS held
                FROM levels
            ) s GROUP BY bucket, grouped""",
        parameters,
    )


@exact()
def levels_after(steps: Iterable[tuple[int, Dimensions, Decimal, Decimal]]) -> dict[Dimensions, Decimal]:
    """The level of each series after its steps, as `level_steps` gives them by all of the meter's dimensions."""
    levels = dict[Dimensions, Decimal]()
    for _bucket, series, step, _moved in steps:
        levels[series] = levels.get(series, ZERO) + step
    return levels


def _parameters(window: Window, measure: Measure, group_by: Sequence[str] = ()) -> dict[str, Any]:
    """Those of the window, whose first stretch begins where days before it do not tell of the level."""
    parameters = parameters_of(window, measure, group_by)
    if window.arrived_by is None and is_served(measure, group_by):
        parameters["since_day"] = day_of(window.zone, window.start)
        since = day_bounds(window.zone, parameters["since_day"])[0]
        parameters["starts"] = [since if at == window.start else at for at in parameters["starts"]]
        return parameters
    return parameters | {
        "since_day": None,
        "first": parameters["last"],
        "starts": [_EVER],
        "ends": [window.end],
    }
