"""A period may hold millions of events: neither writing a proof nor checking it keeps them."""

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from billing.invoices.actions import bill_account
from billing.invoices.models import Invoice
from billing.invoices.proof import check_invoice
from billing.proof.cli import checked
from billing.usage.ingest import ingest
from tests.invoices import world
from tests.invoices.proof.proofs import parts_of, save
from tests.invoices.world import utc

BATCH = 5_000


def invoice_of(code: str, batches: int) -> Invoice:
    account = world.customer(code)
    world.on_plan(account, "team", utc(2026, 2, 1))
    for number in range(batches):
        events = [
            world.event(
                account, utc(2026, 2, 1 + number), output_tokens=n, input_tokens=n % 7, model=f"m{n % 5}"
            )
            for n in range(BATCH)
        ]
        assert ingest(json.dumps(events).encode(), "application/json").accepted == BATCH
    return bill_account(account, utc(2026, 3, 1))[-1]


def peak(work: Callable[[Invoice, Path], object], invoice: Invoice, file: Path) -> int:
    """Bytes of Python's own."""
    tracemalloc.start()
    try:
        work(invoice, file)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_events(db: None, tmp_path: Path) -> None:
    world.load()
    few, many = invoice_of("few", 2), invoice_of("many", 8)
    files = [save(one, tmp_path) for one in (few, many)]
    assert len(parts_of(files[1])["events.ndjson"]) > 8 * 2**20
    works: list[Callable[[Invoice, Path], object]] = [
        lambda invoice, _: save(invoice, tmp_path),
        lambda invoice, _: check_invoice(invoice),
        lambda _, file: checked(file),
    ]
    for work in works:
        small, large = (peak(work, *one) for one in zip((few, many), files, strict=True))
        assert large < 1.2 * small + 2**19, "four times the events"
