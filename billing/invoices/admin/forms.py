"""What staff enter, what it comes to before it is confirmed, and what is made of it."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account, User
from billing.invoices.actions import (
    credit_note,
    record_payment,
    record_prepayment,
    refund_credit,
    take_payment_back,
)
from billing.invoices.actions.credit_notes import MAX_REASON
from billing.invoices.actions.payments import check_taken_back
from billing.invoices.admin.entries import EntryForm, Made, Shown
from billing.invoices.errors import EntryError
from billing.invoices.ledger.credit import credit_left, refundable
from billing.invoices.ledger.models import LedgerTransaction
from billing.invoices.models import Invoice, Payment
from billing.invoices.notes.draft import NoteDraft, creditable_lines, draft_credit_note
from billing.invoices.notes.prepaid import draft_prepayment
from billing.invoices.queries import invoice_by_number, open_amount
from billing.plans.models import TaxRate
from billing.pricing.money import money_string, plain

DIGITS: dict[str, Any] = {"max_digits": 30, "decimal_places": 4}


def money(amount: Decimal, currency: str) -> str:
    return f"{money_string(amount, currency)} {currency}"


def document_page(invoice: Invoice) -> str:
    return reverse("admin:invoices_invoice_change", args=[invoice.pk])


class AccountField(forms.CharField):
    """An account by its code."""

    def clean(self, value: Any) -> Account:
        code = super().clean(value)
        found = Account.objects.filter(code=code).first()
        if found is None:
            raise forms.ValidationError(_("There is no account with the code %s.") % code)
        return found


class InvoiceField(forms.CharField):
    """A document by its number."""

    def clean(self, value: Any) -> Invoice:
        number = super().clean(value)
        found = invoice_by_number(number)
        if found is None:
            raise forms.ValidationError(_("There is no document with the number %s.") % number)
        return found


class CreditNoteForm(EntryForm):
    """All that is left of an invoice, or an amount for each line."""

    def __init__(self, invoice: Invoice, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.invoice = invoice
        self.fields["whole"] = forms.BooleanField(required=False, label=_("All that is left of the invoice"))
        for line in creditable_lines(invoice):
            words = {"place": line.row.position, "name": line.row.description}
            self.fields[str(line.row.pk)] = forms.DecimalField(
                required=False,
                label=_("Line %(place)s: %(name)s") % words,
                help_text=_("Before tax and discounts, %s at most.") % money(line.left, invoice.currency),
                **DIGITS,
            )
        self.fields["reason"] = forms.CharField(
            max_length=MAX_REASON, label=_("Reason"), help_text=_("The customer reads it on the credit note.")
        )

    def shown(self) -> Shown:
        draft, currency = self._draft(), self.invoice.currency
        rows = [(line.row.description, money(line.amount, currency)) for line in draft.lines]
        coupons = zip(self.invoice.snapshot["discounts"], draft.back.discounts, strict=True)
        rows += [(_("Coupon %s") % each["coupon"], money(-amount, currency)) for each, amount in coupons]
        taxes = draft.back.rates
        rows += [(_("Tax, %s %%") % plain(each.rate[1]), money(each.tax, currency)) for each in taxes]
        rows += [
            (_("Given back"), money(draft.back.total, currency)),
            (_("Taken off what is open on the invoice"), money(draft.settles, currency)),
            (_("Becomes credit"), money(draft.credit, currency)),
        ]
        return Shown([self.cleaned_data["reason"]], rows)

    def make(self, by: User) -> Made:
        reason = self.cleaned_data["reason"]
        note = credit_note(self.invoice, self._parts(), reason=reason, by=by, quote=self._draft().quote)
        words = {"number": note.number, "invoice": self.invoice.number, "reason": reason}
        said = _("Credit note %(number)s for %(invoice)s: %(reason)s") % words
        return Made(note, said, document_page(note))

    def _draft(self) -> NoteDraft:
        return draft_credit_note(self.invoice, self._parts())

    def _parts(self) -> dict[UUID, Decimal] | None:
        data = self.cleaned_data
        if data["whole"]:
            return None
        return {UUID(name): data[name] for name in data if name not in ("whole", "reason") and data[name]}


class PaymentForm(EntryForm):
    """Money received for an invoice."""

    invoice = InvoiceField(label=gettext_lazy("Number of the invoice"))
    amount = forms.DecimalField(label=gettext_lazy("Amount"), **DIGITS)
    received_at = forms.SplitDateTimeField(
        label=gettext_lazy("Received"), widget=AdminSplitDateTime, help_text=gettext_lazy("In UTC.")
    )
    reference = forms.CharField(label=gettext_lazy("Reference"), max_length=200, required=False)

    def shown(self) -> Shown:
        invoice, amount = self.cleaned_data["invoice"], self.cleaned_data["amount"]
        left, currency = open_amount(invoice), invoice.currency
        if not 0 < amount <= left:
            said = _("Write an amount above zero and up to what is open: %s.")
            raise EntryError("amount", said % money(left, currency))
        rows = [
            (_("Open on %s") % invoice.number, money(left, currency)),
            (_("Received"), money(amount, currency)),
            (_("Still open then"), money(left - amount, currency)),
        ]
        return Shown([invoice.snapshot["buyer"]["name"]], rows)

    def make(self, by: User) -> Made:
        data = self.cleaned_data
        paid = record_payment(
            data["invoice"], data["amount"], data["received_at"], reference=data["reference"]
        )
        words = {"amount": money(paid.amount, paid.invoice.currency), "number": paid.invoice.number}
        said = _("Payment of %(amount)s for %(number)s recorded.") % words
        return Made(paid, said, document_page(paid.invoice))


class ReversalForm(EntryForm):
    """A payment that is taken back."""

    reason = forms.CharField(label=gettext_lazy("Why"), max_length=200)

    def __init__(self, payment: Payment, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.payment = payment

    def shown(self) -> Shown:
        check_taken_back(self.payment)
        invoice, amount = self.payment.invoice, self.payment.amount
        left, currency = open_amount(invoice), invoice.currency
        rows = [
            (_("Open on %s") % invoice.number, money(left, currency)),
            (_("Taken back"), money(amount, currency)),
            (_("Still open then"), money(left + amount, currency)),
        ]
        return Shown([invoice.snapshot["buyer"]["name"]], rows)

    def make(self, by: User) -> Made:
        back = take_payment_back(self.payment, reason=self.cleaned_data["reason"], by=by)
        words = {"amount": money(self.payment.amount, back.invoice.currency), "number": back.invoice.number}
        said = _("Payment of %(amount)s for %(number)s taken back.") % words
        return Made(back, said, document_page(back.invoice))


class PrepaymentForm(EntryForm):
    """Money received in advance."""

    account = AccountField(label=gettext_lazy("Code of the account"))
    amount = forms.DecimalField(label=gettext_lazy("Amount, tax included"), **DIGITS)
    tax = forms.ChoiceField(
        label=gettext_lazy("Tax"),
        required=False,
        help_text=gettext_lazy("Of the catalogue. Empty: the one that the account has."),
    )
    received_at = forms.SplitDateTimeField(
        label=gettext_lazy("Received"), widget=AdminSplitDateTime, help_text=gettext_lazy("In UTC.")
    )
    reference = forms.CharField(
        label=gettext_lazy("Reference"), max_length=200, help_text=gettext_lazy("The customer reads it.")
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        codes = TaxRate.objects.order_by("code").values_list("code", flat=True).distinct()
        self.fields["tax"].choices = [("", "---------"), *((code, code) for code in codes)]  # type: ignore[attr-defined]

    def shown(self) -> Shown:
        data = self.cleaned_data
        received: datetime = data["received_at"]
        account: Account = data["account"]
        if received > timezone.now():
            raise EntryError("received_at", _("Write an instant that has come."))
        draft = draft_prepayment(account, data["amount"], received, data["tax"])
        rows = [
            (_("Net"), money(draft.net, account.currency)),
            (_("Tax: %s") % draft.tax.name, money(draft.tax_amount, account.currency)),
            (_("Total, received and given as credit"), money(draft.amount, account.currency)),
        ]
        return Shown([account.name], rows)

    def make(self, by: User) -> Made:
        data = self.cleaned_data
        received, reference = data["received_at"], data["reference"]
        invoice = record_prepayment(
            data["account"], data["amount"], received, data["tax"], reference=reference, by=by
        )
        words = {"number": invoice.number, "amount": money(invoice.total, invoice.currency)}
        said = _("Prepayment of %(amount)s invoiced as %(number)s.") % words
        return Made(invoice, said, document_page(invoice))


class RefundForm(EntryForm):
    """Credit that was paid out."""

    account = AccountField(label=gettext_lazy("Code of the account"))
    amount = forms.DecimalField(label=gettext_lazy("Amount"), **DIGITS)
    reference = forms.CharField(
        label=gettext_lazy("How and why"), max_length=300, help_text=gettext_lazy("The customer reads it.")
    )

    def shown(self) -> Shown:
        account, amount = self.cleaned_data["account"], self.cleaned_data["amount"]
        may, left = refundable(account.pk), credit_left(account.pk)
        if not 0 < amount <= may:
            said = _("Write an amount above zero and up to what can be paid out, prepayments apart: %s.")
            raise EntryError("amount", said % money(may, account.currency))
        rows = [
            (_("Credit"), money(left, account.currency)),
            (_("Paid out"), money(amount, account.currency)),
            (_("Credit then"), money(left - amount, account.currency)),
        ]
        return Shown([account.name], rows)

    def make(self, by: User) -> Made:
        data = self.cleaned_data
        key = refund_credit(data["account"], data["amount"], reference=data["reference"], by=by)
        words = {"amount": money(data["amount"], data["account"].currency), "why": data["reference"]}
        said = _("Refund of %(amount)s recorded: %(why)s") % words
        page = reverse("admin:invoices_ledgertransaction_change", args=[key])
        return Made(LedgerTransaction.objects.get(pk=key), said, page)
