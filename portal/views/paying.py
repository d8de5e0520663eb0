"""An invoice paid by card: `/billing/invoices/…/pay/`."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import Act
from accounts.scope import account_scope
from billing.invoices.errors import EntryError
from billing.invoices.models import Invoice
from billing.invoices.queries import invoice_by_number
from billing.payments.cards import default_card, own_card
from billing.payments.models import Attempt, Card
from billing.payments.paying import pay, refresh
from billing.payments.providers.base import Outcome, Unavailable
from portal.formats import money
from portal.views.base import PortalRequest, page
from portal.views.cards import not_reached, provider_or_404
from portal.views.outside import answer_of, asks_first
from portal.views.stripe_page import show_stripe


def _pay(request: PortalRequest, number: str) -> Attempt | Outcome | str | None:
    """A POST pays: the try, or why there is none. A GET asks for the payment that waits for the customer, if any."""
    provider = provider_or_404()
    with account_scope(request.account.pk):
        invoice = _invoice(request, number)
        waiting = Attempt.objects.filter(invoice=invoice, state=Attempt.State.WAITING).first()
        card = _card(request) if request.method == "POST" else None
    try:
        if request.method != "POST":
            return provider.outcome(waiting.reference) if waiting else None
        if card is None:
            return gettext("Add a card first: there is none to charge.")
        return pay(provider, invoice, card, by=request.user)
    except EntryError as error:
        return str(error)
    except Unavailable:
        return not_reached()


@require_http_methods(["GET", "HEAD", "POST"])
@asks_first(Act.PAY, _pay)
@page(Act.PAY, place="invoices")
def pay_invoice(request: PortalRequest, number: str) -> HttpResponseBase:
    """Pay all that is open; or, where the customer's bank asks for it, the page on which he confirms it."""
    found: Attempt | Outcome | str | None = answer_of(request)
    if isinstance(found, Outcome):
        back = reverse("portal:invoice_paid", args=[number])
        return show_stripe(request, "portal/card_confirm.html", "confirm", found.client_secret, back)
    if isinstance(found, str):
        messages.error(request, found)
    elif found is not None:
        if found.state == Attempt.State.WAITING:
            return redirect("portal:invoice_pay", number)
        _tell(request, found)
    return redirect("portal:invoice", number)


def _after(request: PortalRequest, number: str) -> Attempt | None:
    with account_scope(request.account.pk):
        found = Attempt.objects.filter(invoice=_invoice(request, number)).first()
    try:
        return refresh(provider_or_404(), found) if found and found.is_open else found
    except Unavailable:
        return found


@require_POST
@asks_first(Act.PAY, _after)
@page(Act.PAY, place="invoices")
def paid(request: PortalRequest, number: str) -> HttpResponseBase:
    """What became of a payment that the customer confirmed."""
    found: Attempt | None = answer_of(request)
    if found is not None:
        _tell(request, found)
    return redirect("portal:invoice", number)


def _tell(request: PortalRequest, attempt: Attempt) -> None:
    invoice = Invoice.objects.get(pk=attempt.invoice_id)
    words = {"amount": money(attempt.amount, invoice.currency), "card": attempt.card}
    if attempt.state == Attempt.State.SUCCEEDED:
        messages.success(request, gettext("%(amount)s is paid with %(card)s. Thank you.") % words)
    elif attempt.state == Attempt.State.FAILED:
        said = gettext("%(amount)s could not be taken from %(card)s.") % words
        messages.error(request, f"{said} {attempt.words}".strip())
    else:
        said = gettext(
            "%(amount)s is on its way. This page says when it has come; please do not pay it twice."
        )
        messages.info(request, said % words)


def _invoice(request: PortalRequest, number: str) -> Invoice:
    found = invoice_by_number(number, request.account)
    if found is None:
        raise Http404
    return found


def _card(request: PortalRequest) -> Card | None:
    """The chosen one, else the default."""
    chosen = request.POST.get("card", "")
    if not chosen:
        return default_card(request.account)
    try:
        found = own_card(request.account, UUID(chosen))
    except ValueError:
        found = None
    if found is None:
        raise Http404
    return found
