"""Pages by key, not by number: each `next` says after which row to go on, so nothing is skipped or seen twice.

A cursor is opaque to clients. It holds the sort key of the last row shown, and is checked as any input is.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Field, Model, Q, QuerySet
from rest_framework.request import Request

from portal.api.parsers import check_values
from portal.api.problems import Problem, invalid_parameter
from portal.api.query import PageQuery, read_query

type Keys = Sequence[str]


def page_of_rows[M: Model](
    request: Request,
    rows: QuerySet[M],
    order: Keys,
    show: Callable[[M], Any],
    parameters: type[PageQuery] = PageQuery,
) -> dict[str, Any]:
    """A page of `rows`, ordered by `order` ("-issued_at", "id"): the last one unique, all in one direction."""
    asked = read_query(request, parameters)
    names = [name.removeprefix("-") for name in order]
    rows = rows.order_by(*order)
    if cursor := asked.get("cursor"):
        rows = rows.filter(_after(rows.model, order, read_cursor(cursor, len(order))))
    found = list(rows[: asked["limit"] + 1])
    shown = found[: asked["limit"]]
    more = len(found) > len(shown)
    last = write_cursor([getattr(shown[-1], name) for name in names]) if more else None
    return {"results": [show(row) for row in shown], "next": next_url(request, last)}


def page_of_list(request: Request, items: Sequence[dict[str, Any]], key: str) -> dict[str, Any]:
    """A page of a short list that is in memory, ordered by the unique text `key`."""
    asked = read_query(request, PageQuery)
    items = sorted(items, key=lambda item: str(item[key]))
    if cursor := asked.get("cursor"):
        (after,) = read_cursor(cursor, 1)
        items = [item for item in items if item[key] > after]
    shown = items[: asked["limit"]]
    last = write_cursor([shown[-1][key]]) if len(items) > len(shown) else None
    return {"results": shown, "next": next_url(request, last)}


def next_url(request: Request, cursor: str | None) -> str | None:
    """This call with another cursor, or None on the last page."""
    if cursor is None:
        return None
    parameters = {**request.query_params.dict(), "cursor": cursor}
    return f"{settings.SITE_URL}{request.path}?{urlencode(parameters)}"


def write_cursor(values: Sequence[object]) -> str:
    text = json.dumps([str(value) for value in values], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, count: int) -> list[str]:
    """The `count` texts that a cursor holds, or problem 400."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = check_values(json.loads(text))
    except (ValueError, binascii.Error, RecursionError, Problem) as error:
        raise bad_cursor() from error
    if (
        not isinstance(values, list)
        or len(values) != count
        or not all(isinstance(one, str) for one in values)
    ):
        raise bad_cursor()
    return values


def bad_cursor() -> Problem:
    return invalid_parameter("cursor", "This is no cursor of ours. Use `next` of a page as it is.")


def _after(model: type[Model], order: Keys, values: Sequence[str]) -> Q:
    """Rows after the one with these values: for (a, b): a > x, or a = x and b > y."""
    found, equal = Q(), Q()
    for name, value in zip(order, values, strict=True):
        column = name.removeprefix("-")
        try:
            typed = cast("Field[Any, Any]", model._meta.get_field(column)).to_python(value)
        except Exception as error:  # each field type has its own way to refuse a text
            raise bad_cursor() from error
        found |= equal & Q(**{f"{column}__{'lt' if name.startswith('-') else 'gt'}": typed})
        equal &= Q(**{column: typed})
    return found
