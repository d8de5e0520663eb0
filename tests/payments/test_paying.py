"""An invoice paid by card: once, whatever happens at the provider and here."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.invoices.actions import bill_account, record_payment
from billing.invoices.errors import EntryError
from billing.invoices.models import Invoice, Payment
from billing.invoices.pdf import ensure_document
from billing.invoices.queries import open_amount, status
from billing.invoices.verify.ledger import ledger_differences
from billing.payments.cards import choose_default, pay_automatically, remove_card
from billing.payments.collecting import accounts_to_charge, charge_account, next_try
from billing.payments.mail import send_notices_of
from billing.payments.models import Attempt, Card, Hold, Notice, Payer
from billing.payments.paying import _begin, _order, pay, refresh, settle
from billing.payments.providers.base import Outcome, Provider, State
from billing.payments.providers.stripe import Stripe
from tests.invoices import world
from tests.invoices.world import utc
from tests.payments.conftest import add_card
from tests.payments.stripe_site import ASKS, DECLINED, LocalStripe
from tests.together import at_once

DUE = Decimal("58.80")
UNREACHABLE = Stripe("sk_test_12345", "http://127.0.0.1:9")
DAY = timedelta(days=1)


def customer() -> Account:
    world.load()
    account = world.customer(email="bills@acme.example")
    world.on_plan(account, "team", utc(2026, 1, 1))
    return account


def billed(account: Account) -> Invoice:
    return bill_account(account, utc(2026, 1, 2))[0]


@pytest.fixture
def account(db: None) -> Account:
    return customer()


@pytest.fixture
def invoice(account: Account) -> Invoice:
    return billed(account)


@pytest.fixture
def card(stripe: LocalStripe, provider: Provider, account: Account) -> Card:
    return add_card(stripe, provider, account)


def payments(invoice: Invoice) -> list[tuple[str, Decimal, str]]:
    return list(Payment.objects.filter(invoice=invoice).values_list("method", "amount", "reference"))


class TestPay:
    def test_all_that_is_open_is_taken_and_recorded(
        self, provider: Provider, stripe: LocalStripe, invoice: Invoice, card: Card
    ) -> None:
        record_payment(invoice, Decimal("8.80"), timezone.now())
        attempt = pay(provider, invoice, card)
        assert (attempt.state, attempt.amount, attempt.excess) == ("succeeded", 50, 0)
        assert payments(invoice)[1] == ("card", 50, attempt.reference)
        assert status(invoice) == "paid"
        assert list(ledger_differences(invoice.account_id)) == []
        (at_stripe,) = stripe.payments()
        assert (at_stripe["amount"], at_stripe["currency"]) == (5000, "eur")

    def test_a_declined_card_changes_nothing(
        self, provider: Provider, stripe: LocalStripe, account: Account, invoice: Invoice
    ) -> None:
        attempt = pay(provider, invoice, add_card(stripe, provider, account, DECLINED))
        assert (attempt.state, attempt.code) == ("failed", "card_declined")
        assert attempt.words == "Your card was declined."
        assert open_amount(invoice) == DUE
        assert not Notice.objects.filter(kind=Notice.Kind.DECLINED).exists(), (
            "who pays himself reads it on the page"
        )

    def test_a_paid_invoice_is_refused(self, provider: Provider, invoice: Invoice, card: Card) -> None:
        pay(provider, invoice, card)
        with pytest.raises(EntryError, match="is paid: there is nothing left to take"):
            pay(provider, invoice, card)
        assert len(payments(invoice)) == 1

    def test_a_bank_that_asks_is_answered(
        self, provider: Provider, stripe: LocalStripe, account: Account, invoice: Invoice
    ) -> None:
        attempt = pay(provider, invoice, add_card(stripe, provider, account, ASKS))
        assert attempt.state == "waiting"
        assert open_amount(invoice) == DUE
        secret = provider.outcome(attempt.reference).client_secret
        stripe.answer_bank(attempt.reference, secret, confirm=True)
        assert refresh(provider, attempt).state == "succeeded"
        assert open_amount(invoice) == 0

    def test_a_bank_that_is_told_no(
        self, provider: Provider, stripe: LocalStripe, account: Account, invoice: Invoice
    ) -> None:
        attempt = pay(provider, invoice, add_card(stripe, provider, account, ASKS))
        stripe.answer_bank(
            attempt.reference, provider.outcome(attempt.reference).client_secret, confirm=False
        )
        assert refresh(provider, attempt).state == "failed"
        assert open_amount(invoice) == DUE

    def test_another_card_ends_the_try_that_waits(
        self, provider: Provider, stripe: LocalStripe, account: Account, invoice: Invoice, card: Card
    ) -> None:
        first = pay(provider, invoice, add_card(stripe, provider, account, ASKS))
        second = pay(provider, invoice, card)
        assert (second.state, second.card) == ("succeeded", card)
        first.refresh_from_db()
        assert first.state == "failed"
        assert sorted(one["status"] for one in stripe.payments()) == ["canceled", "succeeded"]

    def test_two_at_once_take_it_once(self, committed: str, stripe: LocalStripe, provider: Provider) -> None:
        with installation_scope():
            account = customer()
        invoice = billed(account)
        card = add_card(stripe, provider, account)

        def work() -> str:
            try:
                return pay(provider, invoice, card).state
            except EntryError:
                return "paid"

        assert set(at_once(*[work] * 6)) <= {"begun", "succeeded", "paid"}
        with installation_scope():
            assert [amount for _, amount, _ in payments(invoice)] == [DUE]
        assert len(stripe.payments()) == 1

    def test_what_somebody_else_paid_meanwhile_is_given_back(
        self, provider: Provider, stripe: LocalStripe, account: Account, invoice: Invoice, card: Card
    ) -> None:
        attempt, _ = _begin(invoice, card, None, False)
        outcome = provider.charge(_order(attempt))
        record_payment(invoice, Decimal("50.00"), timezone.now(), reference="transfer")
        settled = settle(attempt, outcome)
        assert settled.excess == 50
        assert [amount for _, amount, _ in payments(invoice)] == [50, Decimal("8.80")]
        for _ in range(2):
            assert accounts_to_charge(timezone.now()) in ([account.pk], [])
            charge_account(provider, account.pk, timezone.now())
        assert [one["amount"] for one in stripe.refunds()] == [5000]
        assert accounts_to_charge(timezone.now()) == []

    def test_a_success_that_comes_after_a_failure_counts(self, invoice: Invoice, card: Card) -> None:
        attempt, _ = _begin(invoice, card, None, False)
        assert settle(attempt, Outcome(State.FAILED, "pi_1")).state == "failed"
        assert settle(attempt, Outcome(State.SUCCEEDED, "pi_1", amount=DUE)).state == "succeeded"
        assert settle(attempt, Outcome(State.SUCCEEDED, "pi_1", amount=DUE)).excess == 0
        assert settle(attempt, Outcome(State.FAILED, "pi_1")).state == "succeeded"
        assert len(payments(invoice)) == 1

    def test_yen_have_no_cents_at_the_provider(
        self, db: None, provider: Provider, stripe: LocalStripe
    ) -> None:
        world.load()
        account = world.customer(currency="JPY")
        world.on_plan(account, "yen", utc(2026, 1, 1))
        invoice = billed(account)
        assert pay(provider, invoice, add_card(stripe, provider, account)).state == "succeeded"
        (at_stripe,) = stripe.payments()
        assert at_stripe["amount"] == invoice.amount_due


class TestKilled:
    """Whoever began a try is gone; the worker finds it."""

    def later(self) -> datetime:
        return timezone.now() + timedelta(minutes=5)

    def test_before_the_provider_was_asked(
        self, provider: Provider, stripe: LocalStripe, account: Account, invoice: Invoice, card: Card
    ) -> None:
        _begin(invoice, card, None, False)
        assert accounts_to_charge(timezone.now()) == [], "who began it is still at it"
        assert accounts_to_charge(self.later()) == [account.pk]
        charge_account(provider, account.pk, self.later())
        assert status(invoice) == "paid"
        assert len(stripe.payments()) == 1

    def test_before_the_answer_was_written_down(
        self, provider: Provider, stripe: LocalStripe, account: Account, invoice: Invoice, card: Card
    ) -> None:
        attempt, _ = _begin(invoice, card, None, False)
        outcome = provider.charge(_order(attempt))
        for _ in range(2):
            charge_account(provider, account.pk, self.later())
        attempt.refresh_from_db()
        assert (attempt.state, attempt.reference) == ("succeeded", outcome.reference)
        assert len(stripe.payments()) == len(payments(invoice)) == 1

    def test_a_provider_that_cannot_be_reached_is_asked_again(
        self, provider: Provider, stripe: LocalStripe, account: Account, invoice: Invoice, card: Card
    ) -> None:
        assert pay(UNREACHABLE, invoice, card).state == "begun"
        charge_account(UNREACHABLE, account.pk, self.later())
        assert Attempt.objects.get().state == "begun"
        assert pay(provider, invoice, card).state == "begun", "it is under way: not a second one"
        charge_account(provider, account.pk, self.later())
        assert Attempt.objects.get().state == "succeeded"
        assert len(stripe.payments()) == 1

    def test_a_customer_who_never_answers_his_bank(
        self, provider: Provider, stripe: LocalStripe, account: Account, invoice: Invoice
    ) -> None:
        pay(provider, invoice, add_card(stripe, provider, account, ASKS))
        charge_account(provider, account.pk, timezone.now() + timedelta(hours=23))
        assert Attempt.objects.get().state == "waiting"
        charge_account(provider, account.pk, timezone.now() + timedelta(hours=25))
        assert Attempt.objects.get().state == "failed"
        assert [one["status"] for one in stripe.payments()] == ["canceled"]


class TestByItself:
    def run(self, provider: Provider, account: Account, days: float = 0) -> list[str]:
        """The states of all tries, once the worker looked after so many days."""
        now = timezone.now() + days * DAY
        if account.pk in accounts_to_charge(now):
            charge_account(provider, account.pk, now)
        return list(Attempt.objects.order_by("created_at").values_list("state", flat=True))

    def test_only_who_said_so_and_only_what_comes_after(
        self, provider: Provider, account: Account, invoice: Invoice, card: Card
    ) -> None:
        assert self.run(provider, account) == []
        pay_automatically(account, True)
        assert self.run(provider, account) == [], "it was issued before"
        Payer.objects.update(automatic_since=invoice.issued_at)
        assert self.run(provider, account) == ["succeeded"]
        assert Attempt.objects.get().automatic
        assert self.run(provider, account) == ["succeeded"]
        assert status(invoice) == "paid"

    def test_it_needs_a_card(self, account: Account) -> None:
        with pytest.raises(EntryError, match="Add a card first"):
            pay_automatically(account, True)

    def test_it_ends_when_it_is_switched_off(self, provider: Provider, account: Account, card: Card) -> None:
        pay_automatically(account, True)
        pay_automatically(account, False)
        billed(account)
        assert self.run(provider, account) == []

    def test_a_declined_card_is_tried_on_its_days_and_each_is_told_once(
        self, provider: Provider, stripe: LocalStripe, account: Account
    ) -> None:
        add_card(stripe, provider, account, DECLINED)
        pay_automatically(account, True)
        invoice = billed(account)
        seen = [len(self.run(provider, account, days)) for days in (0, 0.9, 1.1, 2.9, 3.1, 6.9, 7.1, 30)]
        assert seen == [1, 1, 2, 2, 3, 3, 4, 4]
        assert next_try(invoice) is None
        told = Notice.objects.filter(kind=Notice.Kind.DECLINED).order_by("number")
        assert list(told.values_list("number", flat=True)) == [1, 2, 3, 4]

    def test_another_card_is_tried_at_once(
        self, provider: Provider, stripe: LocalStripe, account: Account
    ) -> None:
        add_card(stripe, provider, account, DECLINED)
        pay_automatically(account, True)
        billed(account)
        assert self.run(provider, account) == ["failed"]
        choose_default(add_card(stripe, provider, account))
        assert self.run(provider, account) == ["failed", "succeeded"]

    def test_an_issuer_that_wants_no_other_try_is_left_alone(
        self, provider: Provider, account: Account, card: Card
    ) -> None:
        pay_automatically(account, True)
        invoice = billed(account)
        attempt, _ = _begin(invoice, card, None, True)
        settle(attempt, Outcome(State.FAILED, code="lost_card", again=False))
        assert self.run(provider, account, 30) == ["failed"]

    def test_an_open_question_holds_it_back(self, provider: Provider, account: Account, card: Card) -> None:
        pay_automatically(account, True)
        Hold.objects.create(account=account, invoice=billed(account), question="Line 2?")
        assert self.run(provider, account) == []
        Hold.objects.update(answered_at=timezone.now())
        assert self.run(provider, account) == ["succeeded"]

    def test_what_was_paid_otherwise_is_not_taken(
        self, provider: Provider, account: Account, card: Card
    ) -> None:
        pay_automatically(account, True)
        record_payment(billed(account), DUE, timezone.now())
        assert self.run(provider, account) == []


class TestCards:
    def test_the_first_is_the_default_and_another_takes_over(
        self, provider: Provider, stripe: LocalStripe, account: Account, card: Card
    ) -> None:
        other = add_card(stripe, provider, account, DECLINED)
        assert (str(card), card.is_default, other.is_default) == ("Visa •••• 4242", True, False)
        remove_card(provider, card)
        other.refresh_from_db()
        assert other.is_default
        remove_card(provider, card)
        assert provider.setup("seti_unknown") is None

    def test_one_customer_however_many_cards(
        self, provider: Provider, stripe: LocalStripe, account: Account, card: Card
    ) -> None:
        add_card(stripe, provider, account)
        assert Payer.objects.count() == 1


class TestMails:
    def told(self, account: Account) -> list[str]:
        """Subject and body of what goes out."""
        mail.outbox = []
        with account_scope(account.pk):
            send_notices_of(account, timezone.now())
        return [f"{each.subject}\n{each.body}" for each in mail.outbox]

    def test_who_pays_automatically_is_not_asked_for_a_transfer(
        self, provider: Provider, account: Account, card: Card
    ) -> None:
        pay_automatically(account, True)
        invoice = billed(account)
        ensure_document(invoice)
        (issued,) = self.told(account)
        assert issued.startswith(f"Invoice {invoice.number}: €58.80, by card\n")
        assert "It is taken from Visa •••• 4242: you need do nothing." in issued
        assert "IBAN" not in issued

    def test_once_it_is_paid_the_mail_says_so(self, provider: Provider, invoice: Invoice, card: Card) -> None:
        ensure_document(invoice)
        pay(provider, invoice, card)
        (issued,) = self.told(invoice.account)
        assert "It was paid with Visa •••• 4242." in issued

    def test_a_declined_card_is_told_with_the_day_of_the_next_try(
        self, provider: Provider, stripe: LocalStripe, account: Account
    ) -> None:
        add_card(stripe, provider, account, DECLINED)
        pay_automatically(account, True)
        invoice = billed(account)
        charge_account(provider, account.pk, timezone.now())
        again = next_try(invoice)
        assert again is not None
        ensure_document(invoice)
        issued, declined = self.told(account)
        assert issued.startswith(f"Invoice {invoice.number}: €58.80, due ")
        assert declined.startswith(f"Your card was declined: €58.80 for invoice {invoice.number}\n")
        assert f"We try again on {again.day}" in declined
        assert self.told(account) == [], "once"

    def test_nothing_of_it_once_it_is_paid_otherwise(
        self, provider: Provider, stripe: LocalStripe, account: Account
    ) -> None:
        add_card(stripe, provider, account, DECLINED)
        pay_automatically(account, True)
        invoice = billed(account)
        charge_account(provider, account.pk, timezone.now())
        record_payment(invoice, DUE, timezone.now())
        assert self.told(account) == []

    def test_a_bank_that_asks_is_told_of(
        self, provider: Provider, stripe: LocalStripe, account: Account
    ) -> None:
        add_card(stripe, provider, account, ASKS)
        pay_automatically(account, True)
        billed(account)
        charge_account(provider, account.pk, timezone.now())
        (asked,) = self.told(account)
        assert asked.startswith("Your bank asks you to confirm €58.80")
        assert "/billing/invoices/" in asked
