"""What allauth asks the site about signing in, and the mails that tell a person of each change of it.

They go to the person's own address, in his language and time zone. A mail that fails is logged: what it tells of is
done, and the page says so.
"""

import logging
from typing import Any, Final, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_used
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.mail import EmailMultiAlternatives
from django.db.models import TextChoices
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.languages import language_of
from accounts.mailing import written
from accounts.members import memberships_of
from accounts.models import User

MINUTES: Final = settings.PASSWORD_RESET_TIMEOUT // 60
"""How long a link for a new password is good."""

log = logging.getLogger("plainbill.mail")


class Change(TextChoices):
    """Of what a person signs in with. The first ones are named as allauth names its mails."""

    PASSWORD_CHANGED = "password_changed", _("Your password was changed")
    PASSWORD_SET = "password_set", _("Your password was set")
    PASSWORD_RESET = "password_reset", _("A new password was set by the link that we sent")
    APP_ADDED = "totp_activated", _("An authenticator app was added")
    APP_REMOVED = "totp_deactivated", _("Your authenticator app was removed")
    CODES_MADE = "recovery_codes_generated", _("New recovery codes were made")
    PASSKEY_ADDED = "webauthn_added", _("A passkey was added")
    PASSKEY_REMOVED = "webauthn_removed", _("A passkey was removed")
    CODE_USED = "code_used", _("A recovery code was used")
    FACTORS_TAKEN = "factors_taken", _("A second factor of yours was removed")
    ADDRESS_CHANGED = "address_changed", _("The mail address that you sign in with was changed")


class SignIn(DefaultAccountAdapter):
    """People join by invitation or by staff; nobody signs up by himself."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, str]]:
        """allauth's, with a passkey by the name that the pages give it."""
        ways: list[dict[str, str]] = super().get_reauthentication_methods(user)
        name = {"description": gettext("Use your passkey")}
        return [way | name if way["id"] == "mfa_reauthenticate:webauthn" else way for way in ways]

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Never by the Host header, which is whatever the one who asks sends."""
        person, _dash, token = key.partition("-")
        return settings.SITE_URL + reverse("account_reset_password_from_key", args=[person, token])

    def send_password_reset_mail(self, user: AbstractBaseUser, email: str, context: dict[str, Any]) -> None:
        _send(cast(User, user), "sign_in_reset", {"url": context["password_reset_url"], "minutes": MINUTES})

    def send_notification_mail(
        self,
        template_prefix: str,
        user: AbstractBaseUser,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        name = template_prefix.rpartition("/")[2]
        if name in Change:  # the others are of pages that are closed here
            tell(cast(User, user), Change(name))


def tell(user: User, change: Change, *, by_support: bool = False, to: str = "") -> None:
    """Mail `user` a Change, outside of any transaction; `to`: at another address than his own."""
    url = settings.SITE_URL + reverse("account_reset_password")
    _send(user, "sign_in_changed", {"change": change.label, "by_support": by_support, "url": url}, to)


def _send(user: User, name: str, context: dict[str, Any], to: str = "") -> None:
    """Nothing is raised, whatever a mail server does."""
    to = to or user.email
    try:
        _message(user, name, context, to).send()
    except Exception as error:
        log.warning("A mail to %s failed (%s): %s: %s", to, name, type(error).__name__, error)


def _message(user: User, name: str, context: dict[str, Any], to: str) -> EmailMultiAlternatives:
    """Whose accounts lie in several time zones reads that of the first; who has none, as staff, reads UTC."""
    account = next((one.account for one in memberships_of(user)), None)
    language = language_of(user.language, account.locale if account else "")
    zone = account.timezone if account else settings.TIME_ZONE
    with translation.override(language), timezone.override(zone):
        more = {"person": user, "at": timezone.now(), "zone": zone, "seller": settings.SELLER.name}
        return written(name, to, context | more)


def _code_used(sender: Any, user: User, authenticator: Authenticator, **more: Any) -> None:
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        tell(user, Change.CODE_USED)


authenticator_used.connect(_code_used, dispatch_uid="portal.sign_in")
