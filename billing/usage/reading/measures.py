"""What is to be measured: a meter, a filter, and the instants at which the running quantity is asked for."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from accounts.models import Account
from accounts.reading import many, once
from billing.plans.models import Meter
from billing.usage.models import RollupShape, RollupZone
from billing.usage.shapes import serves

type Dimensions = tuple[str | None, ...]
"""The values of the dimensions that are grouped by."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One quantity: the events of `meter` that match `where` (dimension -> accepted values)."""

    meter: Meter
    where: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Window:
    """The instants asked about: usage of [start, cut) for each of the ascending `cuts`, all after `start`.

    A bucket is the number of cuts that an event does not lie before, so `bucket <= n` is usage up to cut n.
    With `arrived_by` only what was stored by then counts; a correction counts from its own arrival on.
    """

    account: Account
    start: datetime
    cuts: tuple[datetime, ...]
    arrived_by: datetime | None = None

    @property
    def end(self) -> datetime:
        return self.cuts[-1]

    @cached_property
    def zone(self) -> str:
        """The zone of the account's day totals, asked for once; before its first event its own."""
        return kept_zone(self.account.pk) or self.account.timezone


@many
def kept_zone(account_ids: Sequence[int]) -> dict[int, str | None]:
    """The zone of an account's day totals; None before its first event."""
    rows = RollupZone.objects.filter(account__in=account_ids).values_list("account_id", "timezone")
    return {**dict.fromkeys(account_ids), **dict(rows)}


@once
def meters_by_code() -> dict[str, Meter]:
    """Every meter, with its shape."""
    return {meter.code: meter for meter in Meter.objects.select_related("rollup_shape")}


def shape_of(meter: Meter) -> RollupShape | None:
    """The meter's shape; use `select_related("rollup_shape")`."""
    return getattr(meter, "rollup_shape", None)


def is_served(measure: Measure, group_by: Sequence[str] = ()) -> bool:
    """Whether day totals answer; else the events must be read."""
    return serves(shape_of(measure.meter), measure.meter, {*measure.where, *group_by})


def wanted_rows(
    measures: Iterable[tuple[int, Measure]], group_by: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The measures as SQL reads them: n, m(eter), y (type), v(alue), a(ggregation), f(ilter), r(olled up)."""
    return [
        {
            "n": n,
            "m": measure.meter.pk,
            "y": measure.meter.event_type,
            "v": measure.meter.value,
            "a": measure.meter.aggregation,
            "f": {name: list(values) for name, values in measure.where.items()},
            "r": is_served(measure, group_by),
        }
        for n, measure in measures
    ]


def group_sql(group_by: Sequence[str], source: str, parameters: dict[str, Any], prefix: str = "group") -> str:
    """A jsonb of the dimension values to group by. Names are bound as `prefix` and a number, never in the statement."""
    if not group_by:
        return "'{}'::jsonb"
    pairs = []
    for n, name in enumerate(group_by):
        parameters[f"{prefix}{n}"] = name
        pairs.append(f"%({prefix}{n})s::text, usage_text({source} -> %({prefix}{n})s::text)")
    return f"jsonb_build_object({', '.join(pairs)})"


def where_sql(where: Mapping[str, Sequence[str]], source: str, parameters: dict[str, Any]) -> str:
    """What `usage_matches` says of a filter, written out: a function would be called for each row."""
    tests = ["true"]
    for n, (name, values) in enumerate(sorted(where.items())):
        parameters |= {f"where{n}": name, f"accepted{n}": list(values)}
        tests.append(f"usage_text({source} -> %(where{n})s::text) = ANY(%(accepted{n})s::text[])")
    return " AND ".join(tests)


def values_of(grouped: str, group_by: Sequence[str]) -> Dimensions:
    """The values of what `group_sql` made, as text."""
    found = json.loads(grouped)
    return tuple(found.get(name) for name in group_by)
