"""Count what a limit refuses, for its receipt. No money hangs on it."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.db import connection

from billing.limits.models import LimitVersion
from billing.plans.models import Period

_NOTE: Final = (Path(__file__).parent.parent / "sql" / "note_refusal.sql").read_text(encoding="utf-8")


def note_refusal(limit: LimitVersion, period: Period, at: datetime, requests: int = 1) -> None:
    """One more refusal (or `requests`) by the version `limit` in `period`, at `at`. One statement.

    Only for a transaction that stores nothing else: its commit does not wait for the disk. Of the version `pk` and
    `account_id` are read, of the period `pk`.
    """
    values: dict[str, Any] = {
        "limit": limit.pk,
        "period": period.pk,
        "account": limit.account_id,
        "requests": requests,
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, values)
