"""Passkeys: the forms by which a browser's answers come in, over allauth's, which checks them (W3C WebAuthn, level 3).

Whatever cannot be read as such an answer is refused with a sentence; allauth lets some of it through to the libraries
below, which then fail in ways of their own.
"""

import struct
from collections.abc import Callable
from typing import Any, Final

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms as allauths
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext_lazy as _

MOST: Final = 20
"""Passkeys that a person may have."""
_UNREADABLE: Final = (
    AttributeError,
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    OverflowError,
    RecursionError,
    struct.error,
    InvalidSignature,
    UnsupportedAlgorithm,
)


def how_many(user: AbstractBaseUser) -> int:
    """Passkeys that a person has."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).count()


def _read[T](check: Callable[[], T]) -> T:
    """What `check` finds; a ValidationError in place of what a malformed answer makes it raise."""
    try:
        return check()
    except _UNREADABLE as error:
        raise get_adapter().validation_error("incorrect_code") from error


class Answer(forms.JSONField):
    """What a browser handed on, as JSON. A refused one is not shown again: its challenge is used up."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        return _read(lambda: super(Answer, self).to_python(value))

    def bound_data(self, data: Any, initial: Any) -> Any:
        return None

    def prepare_value(self, value: Any) -> str:
        return ""


def _name() -> forms.CharField:
    return forms.CharField(label=_("Name of the passkey"), max_length=60)


class Add(allauths.AddWebAuthnForm):
    """Always one that signs in by itself: a passkey."""

    name = _name()
    credential = Answer()

    def clean(self) -> dict[str, Any]:
        if how_many(self.user) >= MOST:
            words = _("You have %(most)s passkeys, the most there may be: remove one first.")
            raise forms.ValidationError(words, params={"most": MOST})
        return _read(super().clean)


class Edit(allauths.EditWebAuthnForm):
    name = _name()


class Authenticate(allauths.AuthenticateWebAuthnForm):
    """Beside a password."""

    credential = Answer()

    def clean_credential(self) -> Authenticator:
        return _read(super().clean_credential)


class Login(allauths.LoginWebAuthnForm):
    """In place of a password."""

    credential = Answer()

    def clean_credential(self) -> Authenticator:
        return _read(super().clean_credential)


class Reauthenticate(allauths.ReauthenticateWebAuthnForm):
    """Once more, before a sensitive act."""

    credential = Answer()

    def clean_credential(self) -> Authenticator:
        return _read(super().clean_credential)
