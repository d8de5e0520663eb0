"""A customer with a life: a plan for a while, usage on every day, an invoice, a limit. For page tests."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.test import Client
from django.utils import timezone

from accounts.models import Account, User
from billing.invoices.actions import bill_account
from billing.invoices.models import Invoice
from billing.limits.actions import set_limit
from billing.plans.actions import Actor, load_catalog, subscribe
from billing.plans.catalog_file import load_catalog_file
from billing.plans.models import Plan
from billing.plans.queries import current_period
from billing.usage.ingest import ingest
from tests.factories import make_account, make_member

CATALOG = Path(__file__).resolve().parents[2] / "portal" / "demo" / "catalog.yaml"
HOSTILE = """<script>alert("x")</script>'"&"""


@dataclass
class World:
    """`invoice` is the newest; `outsider` is the owner of another account."""

    account: Account
    owner: User
    viewer: User
    outsider: User
    now: datetime

    @property
    def invoice(self) -> Invoice:
        return Invoice.objects.filter(account=self.account).order_by("-issued_at", "-pk")[0]


def build(
    name: str = "Atelier Brume", locale: str = "en", events: int = 2, plan: str = "team", limit: bool = True
) -> World:
    """An account since 40 days with `events` on each of them, its past period invoiced."""
    now = timezone.now()
    load_catalog(load_catalog_file(CATALOG))
    account = make_account("atelier-brume", name=name, locale=locale)
    other = make_account("other")
    subscription = subscribe(
        account, Plan.objects.get(code=plan), start=now - timedelta(days=40), actor=Actor.INSTALLATION
    )
    current_period(subscription, now)
    for day in range(40):
        send(account, now - timedelta(days=day, minutes=5), events)
    bill_account(account, now)
    if limit:
        set_limit(account, Decimal(500), "stop")
    return World(account, make_member(account), make_member(account, "viewer"), make_member(other), now)


def send(account: Account, at: datetime, count: int = 1, tokens: int = 400_000) -> None:
    """`count` completions at `at`."""
    event = {
        "specversion": "1.0",
        "source": "/test",
        "type": "llm.completion",
        "subject": account.code,
        "data": {"output_tokens": tokens, "input_tokens": 1000, "model": HOSTILE, "region": "eu", "key": "k"},
    }
    batch = [
        {**event, "id": f"{at.isoformat()}-{at.microsecond}-{number}", "time": at.isoformat()}
        for number in range(count)
    ]
    result = ingest(json.dumps(batch).encode(), "application/json")
    assert result.accepted == count, result


def sign_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
