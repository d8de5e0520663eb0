"""What API and portal share of exports: which documents are meant, and how a file is sent."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from django.http import StreamingHttpResponse
from django.utils import timezone

from accounts.models import Account
from billing.invoices.exports.reading import Chosen
from billing.pricing.dates import local_date, local_midnight

CSV: Final = "text/csv; charset=utf-8"
ZIP: Final = "application/zip"
ATOM: Final = "application/atom+xml; charset=utf-8"


def of_year(account: Account, year: int) -> Chosen:
    """The documents that were issued in a calendar year of the account's zone."""
    first, after = date(year, 1, 1), date(year + 1, 1, 1)
    since, before = (local_midnight(day, account.timezone) for day in (first, after))
    return Chosen(account, min(before, timezone.now()), str(year), since)


def of_span(account: Account, since: datetime | None, before: datetime) -> Chosen:
    """Those that were issued in [since, before), all from the first one on without `since`."""
    last = local_date(before, account.timezone).isoformat()
    name = f"to-{last}" if since is None else f"{local_date(since, account.timezone).isoformat()}-to-{last}"
    return Chosen(account, before, name, since)


def file_name(what: str, account: Account, which: str, suffix: str) -> str:
    """Such as focus-acme-2026.csv. The code is letters, digits and ._:- (colons are no part of names)."""
    return f"{what}-{account.code.replace(':', '_')}-{which}.{suffix}"


def sent(parts: Iterator[bytes], name: str, media_type: str) -> StreamingHttpResponse:
    """A file that is made while it is sent; nobody keeps it."""
    answer = StreamingHttpResponse(parts, content_type=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    # nginx would otherwise hold back, or write to its disk, what the reader does not take yet.
    answer.headers["X-Accel-Buffering"] = "no"
    return answer
