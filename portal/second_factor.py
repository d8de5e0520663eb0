"""Staff open the admin with a second factor only, in production: who has none is led to set one up.

allauth keeps the factors and asks for the code at sign-in. Elsewhere than in production none is needed.
"""

import base64
import secrets
from collections.abc import Callable
from typing import Final

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from billing.webhooks.sealing import Unreadable, seal, unseal
from portal.pages.sessions import device

FACTORS: Final = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""Recovery codes alone are none: they stand in for one that is lost."""


class StaffSecondFactor:
    """Middleware, behind those that know the user. The set-up's page asks `request.staff_need_factor`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.staff_need_factor = settings.PRODUCTION  # type: ignore[attr-defined]
        if settings.PRODUCTION and _asks_for_admin(request) and _lacks_factor(request):
            return HttpResponseRedirect(reverse("mfa_activate_totp"))
        return self.get_response(request)


def _asks_for_admin(request: HttpRequest) -> bool:
    return request.path.startswith(reverse("admin:index")) and request.path != reverse("admin:logout")


def _lacks_factor(request: HttpRequest) -> bool:
    """Whether one of the staff is signed in without any."""
    user = request.user
    return user.is_authenticated and user.is_staff and not is_mfa_enabled(user, FACTORS)


class SealedFactors(DefaultMFAAdapter):
    """Names for passkeys; secrets at rest as those of webhooks: the database alone, or a backup of it, gives nobody a
    code.
    """

    def encrypt(self, text: str) -> str:
        return seal(text.encode()).decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Whom a passkey is for: the browser shows the seller's name beside it."""
        return super().get_public_key_credential_rp_entity() | {"name": settings.SELLER.name}

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        """What the form for a new passkey begins with: the device it is made on."""
        return device(context.request.META.get("HTTP_USER_AGENT", ""))

    def decrypt(self, encrypted_text: str) -> str:
        """A secret that no known SECRET_KEY sealed is lost: none of its codes fits any more, and it is set up anew."""
        try:
            return unseal(encrypted_text.encode()).decode()
        except Unreadable:
            return base64.b32encode(secrets.token_bytes(20)).decode()
