"""PDFs that nobody asked for yet, rendered side by side in processes of their own.

One takes most of a second of a core, and meanwhile nothing else in its process goes on: alerts, webhooks and the other
jobs of a worker must not wait for a month's invoices. A few are rendered here, as starting processes takes longer.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection, connections

from accounts.scope import installation_scope

FEW: Final = 4
MOST: Final = 1_000
"""That one call renders; the next one goes on."""

POLITENESS: Final = 10
"""Of these processes, as nice(2) counts: live figures, events and mails come before papers."""

log = logging.getLogger("plainbill.billing")


def render_waiting(stopping: Callable[[], bool] = lambda: False, processes: int | None = None) -> int:
    """Render the PDFs of documents that have none, oldest first; how many were made.

    One that cannot be rendered is logged and holds up no other. Nothing is lost when any process is killed: what has no
    PDF is found again.
    """
    found = _waiting()
    if len(found) <= FEW:
        return sum(_render_here(key) for key in found if not stopping())
    with ProcessPoolExecutor(
        processes or settings.PDF_PROCESSES,
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(str(connection.settings_dict["NAME"]), os.getpid()),
    ) as pool:
        works = {pool.submit(_render, key): key for key in found}
        made = 0
        for work in as_completed(works):
            made += _succeeded(work, works[work])
            if stopping():
                pool.shutdown(wait=False, cancel_futures=True)
                break
        return made


def _waiting() -> Sequence[UUID]:
    from billing.invoices.models import Invoice

    with installation_scope():
        rows = Invoice.objects.filter(document=None).order_by("issued_at", "sequence")
        return list(rows.values_list("pk", flat=True)[:MOST])


def _succeeded(work: Future[None], key: UUID) -> bool:
    error = work.exception()
    if error is not None:
        log.error("The PDF of document %s could not be rendered: %s", key, error)
    return error is None


def _render_here(key: UUID) -> bool:
    try:
        _render(key)
    except Exception:
        log.exception("The PDF of document %s could not be rendered", key)
        return False
    return True


def _render(key: UUID) -> None:
    from billing.invoices.models import Invoice
    from billing.invoices.pdf import ensure_document

    with installation_scope():
        invoice = Invoice.objects.select_related("account").get(pk=key)
    ensure_document(invoice)


def _begin(database: str, parent: int) -> None:
    """Start Django in a process of the pool, which ends when the one that it works for does."""
    import django

    threading.Thread(target=_end_with, args=[parent], daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(POLITENESS)
    django.setup()
    connections.databases["default"]["NAME"] = database


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
