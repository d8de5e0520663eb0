from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.translation import gettext


class InvitationOnly(DefaultAccountAdapter):
    """People join by invitation or by staff; nobody signs up by himself."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, str]]:
        """allauth's, with a passkey by the name that the pages give it."""
        ways: list[dict[str, str]] = super().get_reauthentication_methods(user)
        name = {"description": gettext("Use your passkey")}
        return [way | name if way["id"] == "mfa_reauthenticate:webauthn" else way for way in ways]
