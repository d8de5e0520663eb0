"""A page that runs the card provider's script: the one kind of page whose policy lets a stranger's script in."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http.response import HttpResponseBase
from django.utils import translation
from django.views.decorators.csp import csp_override

from portal.pages.payment import StripeForm
from portal.views.base import PortalRequest, show

HOOKS = "https://hooks.stripe.com"
"""Where banks ask their customers to confirm (docs.stripe.com/security/guide, "Content security policy")."""


def show_stripe(request: PortalRequest, template: str, step: str, secret: str, back: str) -> HttpResponseBase:
    """`secret` lets the browser do one thing at the provider; it comes back to `back` once that is done."""
    language = (translation.get_language() or settings.LANGUAGE_CODE).partition("-")[0]
    form = StripeForm(step, secret, settings.STRIPE.publishable_key, settings.STRIPE.js_url, language, back)
    answer: HttpResponseBase = csp_override(policy())(show)(request, template, form)
    return answer


def policy() -> dict[str, list[str]]:
    script = _origin(settings.STRIPE.js_url)
    return {
        **settings.SECURE_CSP,
        "script-src": ["'self'", script],
        "connect-src": ["'self'", _origin(settings.STRIPE.api_url)],
        "frame-src": [script, HOOKS],
    }


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
