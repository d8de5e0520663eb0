"""The page that recomputes a document, and its files."""

import re
from decimal import Decimal
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from accounts.scope import account_scope
from billing.invoices.models import InvoiceLine
from tests.portal.world import World, build, sign_in

TABLES = ("invoices_invoice", "invoices_invoiceline")


@pytest.fixture
def world(committed: str) -> World:
    from accounts.scope import installation_scope

    with installation_scope():
        return build()


def number(world: World) -> str:
    with account_scope(world.account.pk):
        return world.invoice.number


def page(world: World, **headers: str) -> str:
    address = reverse("portal:invoice_check", args=[number(world)])
    answer = sign_in(world.viewer).get(address, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_figure_is_right(world: World) -> None:
    text = page(world)
    assert "Every figure is right." in text
    assert "Equal" in text
    assert "Different" not in text
    assert re.search(r"from \d+ events, by the terms", text)
    assert "Download the proof" in text


def test_a_figure_that_was_changed_behind_the_triggers(world: World) -> None:
    with account_scope(world.account.pk):
        line = InvoiceLine.objects.filter(invoice__number=world.invoice.number, kind="usage").first()
        assert line is not None
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET plainbill.account = '*'")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute("UPDATE invoices_invoiceline SET amount = amount + 1 WHERE id = %s", [line.pk])
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    text = page(world)
    assert "figures are not what they should be." in text
    assert text.count("Different") >= 2, "the line, and the sums that it is in"
    assert f"{line.amount + Decimal(1):.2f}" in text


def test_in_french(world: World) -> None:
    world.account.locale = "fr"
    with account_scope(world.account.pk):
        world.account.save()
    text = page(world)
    assert "Tous les chiffres sont justes." in text
    assert "Recalculé" in text


def test_the_files(world: World) -> None:
    found = number(world)
    answer = sign_in(world.viewer).get(reverse("portal:invoice_proof", args=[found]))
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{found}-proof.zip"'
    assert ZipFile(BytesIO(answer.getvalue())).namelist()[0] == "invoice.json"
    program = Client().get(reverse("portal:verify_program"))
    assert program.status_code == 200
    assert program.content.startswith(b"#!/usr/bin/env python3\n")
    assert len(program.content) < 150_000


def test_another_customer_finds_nothing(world: World) -> None:
    for name in ("invoice_check", "invoice_proof"):
        address = reverse(f"portal:{name}", args=[number(world)])
        assert sign_in(world.outsider).get(address).status_code == 404
        assert Client().get(address).status_code == 302
