"""Accounts billed and verified some at a time: the same documents as one by one, by as many statements however many."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account, User
from accounts.scope import account_scope, installation_scope
from billing.invoices import run
from billing.invoices.actions import adjust, bill_account
from billing.invoices.models import Invoice, Series
from billing.invoices.queries import invoice_data
from billing.invoices.run import accounts_due, bill_accounts
from billing.invoices.verify import steps, verify
from billing.limits.actions import set_limit
from billing.plans.actions import Actor, confirm_change, load_catalog, redeem
from billing.plans.models import PendingLine, Plan, Subscription
from tests.invoices import world
from tests.invoices.test_verify import tamper

START = timezone.now().replace(hour=10, minute=30, second=0, microsecond=0) - timedelta(days=63)


def used(account: Account) -> None:
    """Usage of the first and the second month, in the zone's day and out of it."""
    for day, tokens in ((0, 400_000), (9, 1_700_000), (20, 90_001), (34, 800_000), (50, 3_000_000)):
        world.use(account, START + timedelta(days=day, hours=day), input_tokens=tokens, output_tokens=tokens)
    world.send(world.event(account, START + timedelta(days=3, hours=n), "api", model="m1") for n in range(12))


def plain(account: Account) -> None:
    used(account)


def limited(account: Account) -> None:
    set_limit(account, "5", "stop", at=START + timedelta(hours=1))
    used(account)


def discounted(account: Account) -> None:
    redeem(account, "FIFTH", at=START + timedelta(hours=1))
    used(account)


def changed(account: Account) -> None:
    """Another plan after ten days, before any usage; so both months are of two kinds."""
    subscription = Subscription.objects.get(account=account)
    at = START + timedelta(days=10)
    confirm_change(subscription, Plan.objects.get(code="studio"), "at", at=at, actor=Actor.INSTALLATION)
    used(account)


def adjusted(account: Account) -> None:
    used(account)
    staff = User.objects.create_superuser(f"{account.code}@seller.example", "x")
    line = adjust(account, Decimal("-500.00"), {"en": "Goodwill"}, "", reason="Test", by=staff)
    PendingLine.objects.filter(pk=line.pk).update(start=START, end=START, detail={"reason": "Test"})


def unused(_account: Account) -> None:
    """The base price alone."""


KINDS = {
    "plain": plain,
    "limited": limited,
    "discounted": discounted,
    "changed": changed,
    "adjusted": adjusted,
}
KINDS |= {"unused": unused}
ZONES = ("UTC", "Europe/Paris", "Asia/Kathmandu", "UTC", "America/St_Johns", "UTC")


@pytest.fixture
def pairs(committed: str) -> Iterator[list[tuple[Account, Account]]]:
    """Of each kind two accounts with the same story, in zones that differ from kind to kind."""
    with installation_scope():
        world.load()
        load_catalog({"catalog": 1, "coupons": [{"code": "FIFTH", "percent": "20", "periods": 2}]})
    found = []
    for kind, zone in zip(
        KINDS, ("UTC", "Europe/Paris", "Asia/Kathmandu", "UTC", "America/St_Johns", "UTC"), strict=True
    ):
        both = []
        for which in ("one", "all"):
            with installation_scope():
                account = world.customer(f"{kind}-{which}", timezone=zone)
                world.on_plan(account, "team", START)
            with account_scope(account.pk):
                KINDS[kind](account)
            both.append(account)
        found.append((both[0], both[1]))
    return found


def told(account: Account) -> list[dict[str, Any]]:
    """What the account's documents say, but for who, when and which."""
    with account_scope(account.pk):
        documents = [
            invoice_data(each) | {"paper": each.snapshot} for each in Invoice.objects.order_by("sequence")
        ]
    return [_without_names(document) for document in documents]


def _without_names(value: Any) -> Any:
    if isinstance(value, dict):
        left_out = ("id", "number", "issued_at", "due_at", "account", "buyer", "subscription", "preceding")
        return {name: _without_names(each) for name, each in value.items() if name not in left_out}
    return [_without_names(each) for each in value] if isinstance(value, list) else value


def late(accounts: list[Account]) -> None:
    """For the first month, after it was invoiced."""
    for account in accounts:
        if not account.code.startswith("unused"):
            world.use(account, START + timedelta(days=29), input_tokens=777_777)


def test_together_and_one_by_one_make_the_same_documents(pairs: list[tuple[Account, Account]]) -> None:
    ones, alls = [one for one, _all in pairs], [all_ for _one, all_ in pairs]
    middle = START + timedelta(days=45)
    for account in ones:
        bill_account(account, middle)
    assert not [outcome.error for outcome in bill_accounts(alls, middle) if outcome.error]
    late([*ones, *alls])
    now = timezone.now()
    for account in ones:
        bill_account(account, now)
    outcomes = list(bill_accounts(alls, now))
    assert {len(outcome.invoices) for outcome in outcomes} == {1}
    for one, all_ in pairs:
        assert told(one) == told(all_), one.code
    kinds = {line["kind"] for account in alls for document in told(account) for line in document["lines"]}
    assert kinds >= {"base", "usage", "late_usage", "limit_waiver", "proration", "adjustment"}
    with installation_scope():
        assert {row.code: row.last for row in Series.objects.all()} == {"F": 34, "FC": 2}
        assert [found for step in steps() for found in verify(step)] == []


class TestStatements:
    @pytest.fixture
    def accounts(self, committed: str) -> list[Account]:
        with installation_scope():
            world.load()
            found = [world.customer(f"c{n:02d}") for n in range(16)]
            for account in found:
                world.on_plan(account, "team", START)
        for account in found:
            used(account)
        return found

    def count(self, work: Any) -> int:
        with CaptureQueriesContext(connection) as captured:
            work()
        return sum(not re.match(r"SAVEPOINT|RELEASE", query["sql"]) for query in captured)

    @pytest.mark.parametrize("days", [40, 100], ids=["periods are stored", "periods begin"])
    def test_are_as_many_for_twelve_accounts_as_for_two(self, accounts: list[Account], days: int) -> None:
        as_of = START + timedelta(days=days)
        warm, few, many = accounts[:2], accounts[2:4], accounts[4:]
        list(bill_accounts(warm, as_of))
        assert self.count(lambda: list(bill_accounts(few, as_of))) == self.count(
            lambda: list(bill_accounts(many, as_of))
        )
        (_all, everything) = steps()
        assert everything.documents == 16 * (1 + days // 31)
        assert self.count(lambda: verify(everything)) < 60

    def test_one_that_fails_is_parked_and_the_others_of_its_transaction_are_billed(
        self, accounts: list[Account], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(run, "CHUNK", 7)
        as_of = timezone.now()
        with installation_scope():
            Account.objects.filter(pk__in=[accounts[5].pk, accounts[12].pk]).update(currency="XXX")
        outcomes = list(bill_accounts(accounts_due(as_of), as_of))
        assert [outcome.account.code for outcome in outcomes if outcome.error] == ["c05", "c12"]
        assert all(len(outcome.invoices) == 3 for outcome in outcomes if not outcome.error)
        with installation_scope():
            numbers = Invoice.objects.order_by("sequence").values_list("sequence", flat=True)
            assert list(numbers) == list(range(1, 14 * 3 + 1))

    def test_what_breaks_an_invariant_at_the_commit_is_parked_alone(
        self, accounts: list[Account], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The database refuses a document whose sums are wrong, when the transaction of all would be committed."""
        module = import_module("billing.invoices.actions.issue")
        right = module._document

        def wrong(each: Any, *rest: Any) -> Invoice:
            invoice = right(each, *rest)
            if invoice.account_id == accounts[3].pk:
                invoice.subtotal += 1
            return invoice

        monkeypatch.setattr(module, "_document", wrong)
        outcomes = list(bill_accounts(accounts, timezone.now()))
        (failed,) = [outcome for outcome in outcomes if outcome.error]
        assert failed.account == accounts[3]
        assert "add up to" in failed.error
        with installation_scope():
            assert Invoice.objects.count() == 15 * 3

    def test_verify_names_the_one_of_many_that_was_tampered_with(self, accounts: list[Account]) -> None:
        list(bill_accounts(accounts, timezone.now()))
        with installation_scope():
            invoice = Invoice.objects.filter(account=accounts[7]).order_by("sequence")[1]
        tamper(
            (
                "UPDATE usage_event SET data = data || '{\"input_tokens\": 1}' WHERE account_id = %s",
                [accounts[7].pk],
            )
        )
        found = [difference for step in steps() for difference in verify(step)]
        assert invoice.number in {difference.where for difference in found}
        with installation_scope():
            own = set(Invoice.objects.filter(account=accounts[7]).values_list("number", flat=True))
        assert {difference.where for difference in found} <= own
