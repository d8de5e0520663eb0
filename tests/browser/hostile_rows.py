"""What of the hostile customer no API writes, but staff, workers and providers do: run inside the demo by `shell`."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import Any, Final

from django.apps import apps
from django.db import transaction
from django.db.models import CharField, JSONField, Model, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from procrastinate.contrib.django import app

from accounts import team
from accounts.keys import make_key
from accounts.models import Account, ApiKey, IdempotentRequest, Invitation, Membership, Role, User
from accounts.scope import installation_scope
from billing.invoices.actions import bill_account
from billing.invoices.actions.adjustments import adjust
from billing.invoices.actions.credit_notes import credit_note
from billing.invoices.actions.payments import record_payment
from billing.invoices.actions.prepayments import refund_credit
from billing.invoices.models import Invoice, ParkedAccount
from billing.limits.actions import set_limit
from billing.limits.models import Alert, Drill, LimitVersion, Reservation
from billing.payments.models import Attempt, Card, Hold, Notice, Payer
from billing.plans.models import Meter, Period
from billing.plans.queries import current_period, running_subscription
from billing.usage.models import QuarantinedEvent
from billing.webhooks.actions.endpoints import add_endpoint
from tests.browser.hostile_texts import COPIED, SHORT, WRITTEN, tag, text
from tests.browser.world import PASSWORD

APPS: Final = ("accounts", "limits", "plans", "invoices", "payments", "webhooks", "usage")
FAR: Final = datetime(2999, 1, 1, tzinfo=UTC)
TEXTS: Final = (CharField, TextField, JSONField)


def text_fields() -> dict[str, type[Model]]:
    """Every field of the product's own models that holds text, with its model."""
    own = map(apps.get_app_config, APPS)
    return {
        f"{model._meta.app_label}.{model.__name__}.{field.name}": model
        for model in chain.from_iterable(one.get_models() for one in own)
        for field in model._meta.get_fields()
        if isinstance(field, TEXTS)
    }


@transaction.atomic
def fill(code: str) -> None:
    """Write the texts that people, providers and mail servers would."""
    with installation_scope():
        account, now = Account.objects.get(code=code), timezone.now()
        staff = User.objects.filter(is_superuser=True).earliest("pk")
        owner = User.objects.create_user(
            text("accounts.User.email"), PASSWORD, name=text("accounts.User.name")
        )
        Membership.objects.create(user=owner, account=account, role=Role.OWNER)
        subscription = running_subscription(account)
        assert subscription is not None
        bill_account(account, now)
        invoice = Invoice.objects.filter(account=account, lines__kind="usage").latest("issued_at")
        _by_people(account, invoice, owner, staff)
        period = current_period(subscription, now)
        assert period is not None
        _of_limits(account, period, owner, staff)
        _of_payments(account, invoice, staff)
        _of_machines(account, period)


def _by_people(account: Account, invoice: Invoice, owner: User, staff: User) -> None:
    now = timezone.now()
    invited = [text(f"accounts.Invitation.{field}", 150) for field in ("email", "name")]
    made, _ = team.invite(account, *invited, Role.VIEWER, by=owner)
    Invitation.objects.filter(pk=made.pk).update(error=text("accounts.Invitation.error"), sent_at=now)
    make_key(account, text("accounts.ApiKey.name", 100), ["read"], None, owner)
    described = text("webhooks.Endpoint.description")
    add_endpoint(account, "https://1.1.1.1/hook", ["limit.stopped"], described, by=owner)
    note, reason = text("plans.PendingLine.description"), text("plans.PendingLine.detail")
    adjust(account, Decimal(-1), {"en": note}, "", reason=reason, by=staff)
    paid = {field: text(f"invoices.Payment.{field}", 30) for field in ("method", "reference")}
    record_payment(invoice, invoice.amount_due, now, **paid)
    line = invoice.lines.filter(kind="usage").earliest("position")
    credit_note(invoice, {line.pk: Decimal(1)}, reason=text("invoices.Invoice.snapshot"), by=owner)
    refund_credit(account, Decimal("0.10"), reference=text("invoices.LedgerTransaction.reference"), by=owner)
    Hold.objects.create(
        account=account, invoice=invoice, question=text("payments.Hold.question"), created_by=staff
    )


def _of_limits(account: Account, period: Period, owner: User, staff: User) -> None:
    limit = set_limit(account, 1_000_000, "notify", by=staff, note=text("limits.LimitVersion.note"))
    assert isinstance(limit, LimitVersion)
    for model, more in ((Alert, {"threshold": 50, "spent": 1}), (Drill, {"asked_by": owner})):
        name = f"limits.{model.__name__}"
        told = {"recipients": [text(f"{name}.recipients")], "error": text(f"{name}.error")}
        rows: Any = model.objects
        rows.create(account=account, limit=limit, period=period, sent_at=timezone.now(), **told, **more)
    Reservation.objects.create(
        account=account,
        meter=Meter.objects.get(code="hostile-units"),
        quantity=1,
        period=period,
        dimensions={"x": text("limits.Reservation.dimensions")},
        expires_at=timezone.now(),
        ended_at=timezone.now(),
        source=text("limits.Reservation.source"),
        event_id=text("limits.Reservation.event_id"),
    )


def _of_payments(account: Account, invoice: Invoice, staff: User) -> None:
    """As a provider of cards and a mail server answer."""
    now = timezone.now()
    Payer.objects.create(account=account, provider="stripe", reference=text("payments.Payer.reference", 100))
    names = {
        field: text(f"payments.Card.{field}", most) for field, most in (("reference", 100), ("brand", 30))
    }
    card = Card.objects.create(
        account=account, last4="4242", exp_month=12, exp_year=2099, is_default=True, **names
    )
    told = {field: text(f"payments.Attempt.{field}", 100) for field in ("reference", "code", "words")}
    settled = {"state": Attempt.State.FAILED, "settled_at": now}
    Attempt.objects.create(account=account, invoice=invoice, card=card, amount=1, by=staff, **told, **settled)
    mailed = {"recipients": [text("payments.Notice.recipients")], "error": text("payments.Notice.error")}
    Notice.objects.create(
        account=account,
        invoice=invoice,
        kind=Notice.Kind.REMINDER,
        number=9,
        created_at=now,
        sent_at=now,
        **mailed,
    )
    other = Account.objects.get(code=f"{account.code}-parked")
    Account.objects.filter(pk=other.pk).update(tax_code=text("accounts.Account.tax_code", 100))
    parked = text("invoices.ParkedAccount.error")
    ParkedAccount.objects.create(account=other, since=now, error=parked, last_tried_at=now, next_try_at=FAR)


def _of_machines(account: Account, period: Period) -> None:
    sent = {field: text(f"accounts.IdempotentRequest.{field}") for field in ("endpoint", "key")}
    IdempotentRequest.objects.create(
        api_key=ApiKey.objects.filter(account=account).earliest("created_at"),
        account=account,
        body_digest=b"",
        answer={"x": text("accounts.IdempotentRequest.answer")},
        **sent,
    )
    # A job that never comes, so that the admin's list of them is not empty.
    job = app.configure_task("hostile", allow_unknown=True, lock=SHORT, schedule_at=FAR)
    job.defer(x=SHORT)
    aside = QuarantinedEvent.objects.filter(subject=text("usage.QuarantinedEvent.subject", 100))
    assert aside.update(error=text("usage.QuarantinedEvent.error")) == 1


def stored() -> str:
    """JSON: of the fields that are to hold such a text, those that do."""
    models = text_fields()

    def holds(field: str, wanted: str) -> bool:
        rows: Any = models[field]._default_manager  # type: ignore[attr-defined]
        words = Cast(field.rpartition(".")[2], TextField())
        found: bool = rows.order_by().annotate(as_text=words).filter(as_text__contains=wanted).exists()
        return found

    with installation_scope():
        found = [field for field in WRITTEN if holds(field, tag(field))]
        return json.dumps(found + [field for field, origin in COPIED.items() if holds(field, tag(origin))])
