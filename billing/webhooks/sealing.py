"""Secrets at rest: they must be read again to sign, so they are sealed with a key made from SECRET_KEY (Fernet).

Who reads the database alone, or a backup of it, cannot sign. A changed SECRET_KEY makes them unreadable unless the old
one is among SECRET_KEY_FALLBACKS: then each endpoint needs a new secret.
"""

import base64
import secrets
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.encoding import force_bytes

PREFIX: Final = "whsec_"
_BYTES: Final = 32


class Unreadable(Exception):  # noqa: N818  # a state, not a fault
    """The secret was sealed with a SECRET_KEY that is not known any more."""


def new_key() -> bytes:
    """Random bytes to sign with."""
    return secrets.token_bytes(_BYTES)


def as_text(key: bytes) -> str:
    """The key as Standard Webhooks writes it, for the receiver."""
    return PREFIX + base64.b64encode(key).decode()


def seal(key: bytes) -> bytes:
    return _fernet().encrypt(key)


def unseal(sealed: bytes | memoryview) -> bytes:
    """The key. Raises `Unreadable`."""
    try:
        return _fernet().decrypt(bytes(sealed))
    except InvalidToken as error:
        raise Unreadable from error


def _fernet() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(secret: str | bytes) -> bytes:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"plainbill webhook secrets").derive(
        force_bytes(secret)
    )
    return base64.urlsafe_b64encode(derived)
