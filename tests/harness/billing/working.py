"""What one of the processes does: at random, and for ever."""

import random
import traceback
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

ACCOUNTS: Final = 24
BEGAN: Final = datetime(2024, 1, 1, tzinfo=UTC)
MONTHS: Final = 30
"""As many periods of each account may be billed, one after another."""


STAFF: Final = "staff@books.example"


def code(number: int) -> str:
    return f"books-{number:02d}"


def work(seed: int, done: Path, log: Path) -> None:
    """Act until killed; each act that was committed is a byte of its kind in the file `done`."""
    chance = random.Random(seed)
    try:
        with done.open("ab", buffering=0) as record:
            while True:
                record.write(act(chance).encode())
    except BaseException:
        log.write_text(traceback.format_exc())
        raise


def act(chance: random.Random) -> str:
    """One act on one account, or `-` where there was nothing to do or it was refused."""
    from accounts.models import Account

    account = Account.objects.get(code=code(chance.randrange(ACCOUNTS)))
    acts = [bill, pay, pay_by_card, bounce, take_back, prepay, refund, adjust]
    return chance.choices(acts, [6, 4, 4, 1, 6, 2, 2, 2])[0](account, chance)


def bill(account, chance: random.Random) -> str:  # type: ignore[no-untyped-def]
    """One or two periods more than there were."""
    from accounts.scope import account_scope
    from billing.invoices.actions import bill_account
    from billing.invoices.models import Invoice

    with account_scope(account.pk):
        before = Invoice.objects.filter(account=account, closes__isnull=False).count()
    as_of = BEGAN + timedelta(days=31 * min(before + chance.randint(1, 2), MONTHS))
    return "b" if bill_account(account, as_of) else "-"


def pay(account, chance: random.Random) -> str:  # type: ignore[no-untyped-def]
    """All that is open on one of its invoices, or a part."""
    from billing.invoices.actions import record_payment
    from billing.invoices.errors import EntryError

    invoice, left = _one_of(account, chance)
    if invoice is None or not left:
        return "-"
    amount = chance.choice([left, Decimal("0.01"), (left / 2).quantize(Decimal("0.01"))]) or left
    try:
        record_payment(invoice, amount, datetime.now(UTC), reference="harness")
    except EntryError:  # another one paid it, or took it back
        return "-"
    return "p"


def pay_by_card(account, chance: random.Random):  # type: ignore[no-untyped-def]
    """All that is open on one of its invoices, from its card."""
    from accounts.scope import account_scope
    from billing.invoices.errors import EntryError
    from billing.payments.cards import default_card
    from billing.payments.paying import pay as take
    from billing.payments.providers import card_provider
    from billing.payments.providers.base import Unavailable

    provider, (invoice, left) = card_provider(), _one_of(account, chance)
    if invoice is None or not left or provider is None:
        return "-"
    with account_scope(account.pk):
        card = default_card(account)
    try:
        return "c" if take(provider, invoice, card).state == "succeeded" else "-"
    except (
        EntryError,
        Unavailable,
    ):  # another one paid it; or another life of this process asks under the same key
        return "-"


def bounce(account, chance: random.Random):  # type: ignore[no-untyped-def]
    """A transfer of its that the bank returns."""
    from accounts.scope import account_scope
    from billing.invoices.actions import take_payment_back
    from billing.invoices.errors import EntryError
    from billing.invoices.models import Payment

    with account_scope(account.pk):
        paid = list(Payment.objects.filter(account=account, method="manual").select_related("invoice"))
    if not paid:
        return "-"
    try:
        take_payment_back(chance.choice(paid), reason="Harness", by=None)
    except EntryError:  # it was before, or is a prepayment's
        return "-"
    return "t"


def prepay(account, chance: random.Random):  # type: ignore[no-untyped-def]
    """Some euros in advance."""
    from billing.invoices.actions import record_prepayment

    record_prepayment(
        account, Decimal(chance.randint(1, 40)), datetime.now(UTC), reference="harness", by=None
    )
    return "a"


def refund(account, chance: random.Random):  # type: ignore[no-untyped-def]
    """A part of its credit."""
    from billing.invoices.actions import refund_credit
    from billing.invoices.errors import EntryError

    try:
        refund_credit(account, Decimal(chance.randint(1, 500)) / 100, reference="Harness", by=None)
    except EntryError:  # it has less
        return "-"
    return "r"


def adjust(account, chance: random.Random):  # type: ignore[no-untyped-def]
    """A line that waits for its next document."""
    from accounts.models import User
    from billing.invoices.actions import adjust as enter
    from billing.invoices.errors import EntryError

    amount = Decimal(chance.choice([-1, 1]) * chance.randint(1, 900)) / 100
    try:
        enter(account, amount, {"en": "Harness"}, "", reason="Harness", by=User.objects.get(email=STAFF))
    except EntryError:  # all of its periods are billed
        return "-"
    return "j"


def take_back(account, chance: random.Random) -> str:  # type: ignore[no-untyped-def]
    """An invoice, or a part of one of its lines."""
    from accounts.scope import account_scope
    from billing.invoices.actions import credit_note
    from billing.invoices.errors import EntryError

    invoice, _left = _one_of(account, chance)
    if invoice is None:
        return "-"
    with account_scope(account.pk):
        line = chance.choice(list(invoice.lines.all()))
    part = {line.pk: (line.amount * chance.randint(1, 60) / 100).quantize(Decimal("0.01"))}
    try:
        credit_note(invoice, chance.choice([None, part, part, part]), reason="Harness", by=None)
    except EntryError:  # nothing is left of it
        return "-"
    return "n"


def _one_of(account, chance: random.Random):  # type: ignore[no-untyped-def]
    from accounts.scope import account_scope
    from billing.invoices.models import Invoice
    from billing.invoices.queries import open_amount

    with account_scope(account.pk):
        found = list(Invoice.objects.filter(account=account, kind="invoice"))
        invoice = chance.choice(found) if found else None
        return invoice, open_amount(invoice) if invoice else Decimal(0)
