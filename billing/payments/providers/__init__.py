"""Who charges cards. There is one, or none: then customers pay by bank transfer, which staff record."""

from functools import cache

from django.conf import settings

from billing.payments.providers.base import Provider


def card_provider() -> Provider | None:
    """Stripe, where `STRIPE_SECRET_KEY` is set."""
    return (
        _stripe(settings.STRIPE.secret_key, settings.STRIPE.api_url) if settings.STRIPE.secret_key else None
    )


@cache
def _stripe(secret_key: str, api_url: str) -> Provider:
    from billing.payments.providers.stripe import Stripe  # importing its library takes two seconds

    return Stripe(secret_key, api_url)
