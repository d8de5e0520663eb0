"""A slice of the run in which those who bill are killed; and that its questions find what is wrong."""

import re
import subprocess
import sys
from decimal import Decimal

import psycopg
import pytest
from django.db import connection, connections

from accounts.scope import installation_scope
from billing.invoices.actions import bill_account, record_payment
from portal.postgres import embedded
from tests.environment import RUN_DIR
from tests.harness.billing.run import card_differences, differences
from tests.invoices import world
from tests.invoices.world import utc
from tests.server.running import ROOT

WRONG = {
    "series F: 2 documents, numbers from 1 to 2, the counter says 3": "UPDATE invoices_series SET last = 3",
    "the ledger sums to": "UPDATE invoices_ledgerentry SET amount = amount + 1 WHERE book = 'tax'",
    "invoice F-000001 was paid with": "UPDATE invoices_payment SET amount = amount + 1000",
    "and no invoice closes it": "UPDATE invoices_invoice SET closes_id = NULL",
}


@pytest.mark.server
def test_books_hold_while_those_who_bill_are_killed() -> None:
    words = [sys.executable, "-m", "tests.harness.billing", "--seconds", "8"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    kills = re.search(r"kills \(-9\) +16, (\d+)", done.stdout)
    assert kills is not None
    assert int(kills[1]) > 16, "some were killed before the end"
    assert "documents verified: every amount follows from its events" in done.stdout


def test_its_questions_find_what_is_wrong(committed: str, subtests: pytest.Subtests) -> None:
    with installation_scope():
        world.load()
        account = world.customer()
        world.on_plan(account, "team", utc(2026, 1, 1))
    invoice = bill_account(account, utc(2026, 2, 1))[0]
    record_payment(invoice, Decimal("1.00"), utc(2026, 2, 2), method="card", reference="pi_1")
    name, host = connection.settings_dict["NAME"], str(embedded.socket_dir(RUN_DIR))
    connections.close_all()
    with psycopg.connect(host=host, user="postgres", dbname=name) as superuser:
        assert list(differences(superuser)) == []
        paid = {"id": "pi_1", "amount": 100, "status": "succeeded"}
        assert list(card_differences(superuser, [paid], [])) == []
        twice = card_differences(superuser, [paid, {**paid, "id": "pi_2"}], [])
        assert list(twice) == ["pi_2: 100 cents taken, 0 recorded"]
        given_back = card_differences(superuser, [paid], [{"payment_intent": "pi_1", "amount": 40}])
        assert list(given_back) == ["pi_1: 60 cents taken, 100 recorded"]
        superuser.rollback()
        for said, statement in WRONG.items():
            with subtests.test(said):
                superuser.execute("SET LOCAL session_replication_role = replica")
                superuser.execute(statement)
                assert any(said in one for one in differences(superuser)), said
                superuser.rollback()
