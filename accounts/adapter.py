from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitationOnly(DefaultAccountAdapter):
    """People join by invitation or by staff; nobody signs up by himself."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
