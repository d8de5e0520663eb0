"""Stripe: customers, setup intents for cards, payment intents, refunds, and its signed messages.

Facts from docs.stripe.com: api/idempotent_requests (the same key gives the same answer, for at least 24 hours),
payments/save-and-reuse (setup intents), declines/card (advice codes), webhooks (signature).
"""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import stripe
from django.conf import settings
from django.utils.translation import gettext as _

from billing.payments.providers.amounts import from_stripe, to_stripe
from billing.payments.providers.base import (
    CardFacts,
    News,
    Order,
    Outcome,
    Setup,
    State,
    Unavailable,
    Untrusted,
)

TOLERANCE_SECONDS: Final = 300
"""How old a signed message may be: Stripe's own default."""

_STATES: Final[Mapping[str, State]] = {
    "requires_action": State.WAITING,
    "requires_confirmation": State.WAITING,
    "processing": State.PROCESSING,
    "requires_capture": State.PROCESSING,
    "succeeded": State.SUCCEEDED,
}
_NEVER_AGAIN: Final = ("do_not_try_again", "confirm_card_data")
"""Advice codes: the card's issuer does not want to be asked again."""

_REFERENCE: Final = re.compile(r"[a-z]+_[A-Za-z0-9_]+", re.ASCII)
_LOOK_BACK: Final = 100
"""Payments of a customer that `find` looks through."""


class Stripe:
    """billing/payments/providers/base.py says what each method does."""

    name = "stripe"

    def __init__(self, secret_key: str, api_url: str) -> None:
        self._api = stripe.StripeClient(secret_key, base_addresses={"api": api_url}, max_network_retries=2).v1

    def add_customer(self, key: str, name: str, email: str, account: str) -> str:
        made = _asked(
            lambda: self._api.customers.create(
                {"name": name, "email": email, "metadata": {"account": account}}, {"idempotency_key": key}
            )
        )
        return made.id

    def begin_setup(self, customer: str) -> Setup:
        asked: Any = {"customer": customer, "usage": "off_session", "payment_method_types": ["card"]}
        return _setup(_asked(lambda: self._api.setup_intents.create(asked)), None)

    def setup(self, reference: str) -> Setup | None:
        if not _REFERENCE.fullmatch(reference):  # it comes from an address: "..", say
            return None
        try:
            found = _asked(lambda: self._api.setup_intents.retrieve(reference))
        except stripe.InvalidRequestError:
            return None
        return _setup(found, self._card(found) if found.status == "succeeded" else None)

    def charge(self, order: Order) -> Outcome:
        amount = to_stripe(order.amount, order.currency)
        if amount is None:
            words = _("An amount in %s with this many digits cannot be paid by card.") % order.currency
            return Outcome(State.FAILED, order=order.key, code="amount", words=words)
        asked: Any = {
            "amount": amount,
            "currency": order.currency.lower(),
            "customer": order.customer,
            "payment_method": order.card,
            "payment_method_types": ["card"],
            "description": order.description,
            "metadata": {"order": order.key},
            "confirm": True,
            **({"use_stripe_sdk": True} if order.present else {"off_session": True}),
        }
        try:
            made = _asked(lambda: self._api.payment_intents.create(asked, {"idempotency_key": order.key}))
        except stripe.CardError as error:
            return _declined(error, order.key)
        except stripe.InvalidRequestError as error:
            return Outcome(State.FAILED, order=order.key, code=error.code or "invalid", words=_words(error))
        return _outcome(made)

    def find(self, order: Order) -> Outcome | None:
        made = _asked(
            lambda: self._api.payment_intents.list({"customer": order.customer, "limit": _LOOK_BACK})
        )
        return next((_outcome(one) for one in made.data if _order(one) == order.key), None)

    def outcome(self, reference: str) -> Outcome:
        try:
            return _outcome(_asked(lambda: self._api.payment_intents.retrieve(reference)))
        except stripe.InvalidRequestError as error:  # of another account, or of its test mode
            raise Unavailable(str(error)) from error

    def cancel(self, reference: str) -> Outcome:
        try:
            return _outcome(_asked(lambda: self._api.payment_intents.cancel(reference)))
        except stripe.InvalidRequestError:  # it is over: paid, or canceled before
            return self.outcome(reference)

    def refund(self, reference: str, amount: Decimal, currency: str, key: str) -> None:
        asked: Any = {"payment_intent": reference, "amount": to_stripe(amount, currency)}
        _asked(lambda: self._api.refunds.create(asked, {"idempotency_key": key}))

    def remove_card(self, reference: str) -> None:
        try:
            _asked(lambda: self._api.payment_methods.detach(reference))
        except stripe.InvalidRequestError:
            return  # it is no customer's any more

    def news(self, body: bytes, headers: Mapping[str, str]) -> News:
        header, secret = headers.get("Stripe-Signature"), settings.STRIPE.webhook_secret
        try:
            stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE_SECONDS)
            event = json.loads(body)
            kind, reference = str(event["type"]), str(event["data"]["object"]["id"])
        except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError) as error:
            raise Untrusted(str(error)) from error
        return News(
            payment=reference if kind.startswith("payment_intent.") else "",
            setup=reference if kind == "setup_intent.succeeded" else "",
            removed=reference if kind == "payment_method.detached" else "",
        )

    def _card(self, found: stripe.SetupIntent) -> CardFacts | None:
        reference = found.payment_method if isinstance(found.payment_method, str) else ""
        method = _asked(lambda: self._api.payment_methods.retrieve(reference))
        if method.card is None:
            return None
        if method.customer is None:
            customer = str(found.customer)
            _asked(lambda: self._api.payment_methods.attach(reference, {"customer": customer}))
        card = method.card
        return CardFacts(method.id, card.brand, card.last4, card.exp_month, card.exp_year)


def _asked[Answer](ask: Callable[[], Answer]) -> Answer:
    """The answer; errors that say nothing of the matter asked about become `Unavailable`."""
    try:
        return ask()
    except (stripe.CardError, stripe.InvalidRequestError):
        raise
    except stripe.StripeError as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error


def _setup(found: stripe.SetupIntent, card: CardFacts | None) -> Setup:
    ended = {"succeeded": State.SUCCEEDED, "canceled": State.FAILED, "processing": State.PROCESSING}
    state = ended.get(found.status, State.WAITING)
    return Setup(found.id, found.client_secret or "", str(found.customer), state, card)


def _outcome(found: stripe.PaymentIntent) -> Outcome:
    """A payment intent that asks for another payment method is one that was declined: each try has its own."""
    error = found.last_payment_error
    state = _STATES.get(found.status, State.FAILED)
    paid = getattr(found, "amount_received", found.amount) if state is State.SUCCEEDED else 0
    return Outcome(
        state,
        found.id,
        _order(found),
        from_stripe(paid, found.currency.upper()),
        found.client_secret or "",
        _code(error) if error and state is State.FAILED else "",
        (getattr(error, "message", None) or "") if error and state is State.FAILED else "",
        again=state is State.FAILED and found.status != "canceled" and _may_try_again(error),
    )


def _order(found: stripe.PaymentIntent) -> str:
    """Our key of it; "" for payments that are not ours."""
    return found.metadata["order"] if found.metadata and "order" in found.metadata else ""


def _declined(error: stripe.CardError, order: str) -> Outcome:
    intent = getattr(error.error, "payment_intent", None)
    reference = getattr(intent, "id", "") or ""
    return Outcome(
        State.FAILED,
        reference,
        order,
        code=_code(error.error) or error.code or "card_declined",
        words=_words(error),
        again=_may_try_again(error.error),
    )


def _code(error: Any) -> str:
    """Why a card was declined, as exactly as its issuer says."""
    return str(getattr(error, "decline_code", None) or getattr(error, "code", None) or "")


def _may_try_again(error: Any) -> bool:
    needs_customer = getattr(error, "code", None) == "authentication_required"
    return getattr(error, "advice_code", None) not in _NEVER_AGAIN and not needs_customer


def _words(error: stripe.StripeError) -> str:
    return error.user_message or ""
