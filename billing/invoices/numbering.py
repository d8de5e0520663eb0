"""Numbers without gaps: a counter row for each series, locked by the transaction that issues (promise 12).

A PostgreSQL sequence would lose a number with every rollback, and max() + 1 gives one twice under load.
"""

from django.conf import settings
from django.db import connection

from billing.invoices.models import Invoice

WIDTH = 6
"""Digits of a number, so that numbers sort as text for the first million."""


def series_of(kind: str) -> str:
    """Invoices count in INVOICE_SERIES ("F"), credit notes in one of their own ("FC")."""
    return settings.INVOICE_SERIES + ("C" if kind == Invoice.Kind.CREDIT_NOTE else "")


def take_number(series: str) -> tuple[int, str]:
    """The next (sequence, number) of `series`, as (17, "F-000017"). Call it last: others wait until the commit.

    A rollback gives the number back, since the counter goes back with it.
    """
    return take_numbers(series, 1)[0]


def take_numbers(series: str, count: int) -> list[tuple[int, str]]:
    """The next `count` of them, in their order. Who needs several series takes them in the order of their codes."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO invoices_series (code, last) VALUES (%(series)s, %(count)s)
               ON CONFLICT (code) DO UPDATE SET last = invoices_series.last + excluded.last RETURNING last""",
            {"series": series, "count": count},
        )
        last: int = cursor.fetchone()[0]
    return [(sequence, f"{series}-{sequence:0{WIDTH}d}") for sequence in range(last - count + 1, last + 1)]
