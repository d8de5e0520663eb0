"""A month's PDFs, rendered by processes beside the worker."""

import os
import threading
import time
from multiprocessing import get_context

import psutil
import pytest

from accounts.scope import installation_scope
from billing.invoices import rendering
from billing.invoices.actions import bill_account
from billing.invoices.models import Invoice, InvoiceDocument
from billing.invoices.pdf import render
from billing.invoices.rendering import FEW, render_waiting
from tests.invoices import world
from tests.invoices.test_verify import tamper
from tests.invoices.world import utc
from tests.patience import PATIENCE

MANY = FEW + 2


@pytest.fixture
def issued(committed: str) -> list[Invoice]:
    """More than a few, without PDFs."""
    with installation_scope():
        world.load()
        accounts = [world.customer(f"c{number}") for number in range(MANY)]
        for account in accounts:
            world.on_plan(account, "team", utc(2026, 1, 1))
    return [bill_account(account, utc(2026, 1, 2))[0] for account in accounts]


def documents() -> int:
    with installation_scope():
        return InvoiceDocument.objects.count()


def test_many_are_rendered_elsewhere_and_the_same(issued: list[Invoice]) -> None:
    assert render_waiting(processes=2) == MANY
    assert render_waiting(processes=2) == 0
    with installation_scope():
        pdf = bytes(InvoiceDocument.objects.get(invoice=issued[0]).pdf)
    assert pdf[:5] == b"%PDF-"
    assert len(pdf) == pytest.approx(len(render(issued[0])), rel=0.01)


def test_one_that_cannot_be_rendered_holds_up_no_other(
    issued: list[Invoice], caplog: pytest.LogCaptureFixture
) -> None:
    broken = "UPDATE invoices_invoice SET snapshot = snapshot - 'seller' WHERE id = %s"
    tamper((broken, [issued[2].pk]))
    assert render_waiting(processes=2) == MANY - 1
    assert str(issued[2].pk) in caplog.text


def test_a_worker_that_is_told_to_end_begins_no_more(issued: list[Invoice]) -> None:
    assert render_waiting(lambda: True, processes=1) < MANY


def test_a_process_ends_with_the_one_that_it_works_for() -> None:
    orphan = get_context("spawn").Process(target=rendering._end_with, args=[os.getppid()])
    orphan.start()
    orphan.join(PATIENCE)
    assert orphan.exitcode == 1, "its parent is another one"


def test_a_killed_process_loses_nothing(issued: list[Invoice]) -> None:
    killed = threading.Event()

    def kill() -> None:
        while not killed.is_set():
            for process in psutil.Process().children(recursive=True):
                if "spawn_main" in " ".join(process.cmdline()):
                    process.kill()
                    killed.set()
            time.sleep(0.05)

    killer = threading.Thread(target=kill)
    killer.start()
    render_waiting(processes=1)
    killer.join()
    render_waiting(processes=2)
    assert documents() == MANY
