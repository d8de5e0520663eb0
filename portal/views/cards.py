"""`/billing/payment/`: the account's cards. A card's number goes from the browser to the provider alone."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Act
from accounts.scope import account_scope
from billing.invoices.errors import EntryError
from billing.payments import cards
from billing.payments.models import Card
from billing.payments.providers import card_provider
from billing.payments.providers.base import Provider, Setup, State, Unavailable
from portal.pages.payment import payment_page
from portal.views.base import PortalRequest, page, show
from portal.views.outside import answer_of, asks_first
from portal.views.stripe_page import show_stripe


def provider_or_404() -> Provider:
    found = card_provider()
    if found is None:
        raise Http404
    return found


def not_reached() -> str:
    return gettext(
        "The card provider cannot be reached at the moment. Nothing was changed: please try again later."
    )


@require_safe
@page(place="invoices")
def show_payment(request: PortalRequest) -> HttpResponseBase:
    return show(request, "portal/payment.html", payment_page(request.account))


def _begin(request: PortalRequest) -> Setup | None:
    try:
        return cards.begin_card(provider_or_404(), request.account)
    except Unavailable:
        return None


@require_POST
@asks_first(Act.PAY, _begin)
@page(Act.PAY, place="invoices")
def add(request: PortalRequest) -> HttpResponseBase:
    """Begin to add a card, and go where its number is asked for."""
    setup: Setup | None = answer_of(request)
    if setup is None:
        messages.error(request, not_reached())
        return redirect("portal:payment")
    return redirect("portal:card_add", setup.reference)


def _setup(request: PortalRequest, setup: str) -> Setup | None:
    try:
        found = cards.setup_of(provider_or_404(), request.account, setup)
    except Unavailable:
        return None
    if found is None:
        raise Http404
    return found


@require_safe
@asks_first(Act.PAY, _setup)
@page(Act.PAY, place="invoices")
def card(request: PortalRequest, setup: str) -> HttpResponseBase:
    """Where the card's number is asked for, by the provider's script."""
    found: Setup | None = answer_of(request)
    if found is None:
        messages.error(request, not_reached())
        return redirect("portal:payment")
    if found.state is not State.WAITING:
        return redirect("portal:payment")
    back = reverse("portal:card_added", args=[setup])
    return show_stripe(request, "portal/card_add.html", "add", found.client_secret, back)


def _keep(request: PortalRequest, setup: str) -> Card | None:
    return cards.keep_card(_setup(request, setup))


@require_POST
@asks_first(Act.PAY, _keep)
@page(Act.PAY, place="invoices")
def added(request: PortalRequest, setup: str) -> HttpResponseBase:
    kept: Card | None = answer_of(request)
    if kept is None:
        messages.error(request, gettext("The card was not added. You can try again, or use another one."))
    else:
        messages.success(request, gettext("%(card)s is added.") % {"card": kept})
    return redirect("portal:payment")


def _act(request: PortalRequest) -> str:
    """What the button says; what to tell if it cannot be."""
    wanted = request.POST.get("act", "")
    try:
        if wanted in ("automatic", "by_hand"):
            cards.pay_automatically(request.account, wanted == "automatic")
        elif wanted == "default":
            cards.choose_default(_card(request))
        elif wanted == "remove":
            cards.remove_card(provider_or_404(), _card(request))
        else:
            raise Http404
    except EntryError as error:
        return str(error)
    except Unavailable:
        return not_reached()
    return ""


def _card(request: PortalRequest) -> Card:
    try:
        key = UUID(request.POST.get("card", ""))
    except ValueError:
        raise Http404 from None
    with account_scope(request.account.pk):
        found = cards.own_card(request.account, key)
    if found is None:
        raise Http404
    return found


@require_POST
@asks_first(Act.PAY, _act)
@page(Act.PAY, place="invoices")
def act(request: PortalRequest) -> HttpResponseBase:
    problem: str = answer_of(request)
    if problem:
        messages.error(request, problem)
    else:
        messages.success(request, _done(request.POST["act"]))
    return redirect("portal:payment")


def _done(wanted: str) -> str:
    return {
        "automatic": gettext("Invoices that are issued from now on are taken from your default card."),
        "by_hand": gettext("Nothing is taken from your cards automatically any more."),
        "default": gettext("This card is your default now."),
        "remove": gettext("The card is removed."),
    }[wanted]
