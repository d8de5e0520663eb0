"""A device that holds one passkey, in software: it answers a page's options as a browser hands them on."""

import json
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData

ORIGIN = "https://testserver"
SEEN = AuthenticatorData.FLAG.UP
VERIFIED = SEEN | AuthenticatorData.FLAG.UV


class Device:
    """`flags`: whether it saw a person, and made sure who it is. `origin`: the page that it believes to be on."""

    def __init__(self, origin: str = ORIGIN, flags: int = VERIFIED) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.origin, self.flags, self.handle = origin, flags, ""

    def make(self, options: dict[str, Any]) -> str:
        """A new passkey by `options` (PublicKeyCredentialCreationOptionsJSON)."""
        self.handle = options["user"]["id"]
        public = AttestedCredentialData.create(
            Aaguid.NONE, b"one", ES256.from_cryptography_key(self.key.public_key())
        )
        data = AuthenticatorData.create(
            _rp(options["rp"]["id"]), self.flags | AuthenticatorData.FLAG.AT, 0, public
        )
        client = self._client("create", options["challenge"])
        answer = {
            "attestationObject": _text(AttestationObject.create("none", data, {})),
            "clientDataJSON": _text(client),
        }
        return _credential(answer, {"credProps": {"rk": True}})

    def show(self, options: dict[str, Any]) -> str:
        """The passkey, shown by `options` (PublicKeyCredentialRequestOptionsJSON)."""
        data = AuthenticatorData.create(_rp(options["rpId"]), self.flags, 0)
        client = self._client("get", options["challenge"])
        signed = self.key.sign(data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        answer = {"authenticatorData": data, "signature": signed, "clientDataJSON": client}
        return _credential(
            {name: _text(value) for name, value in answer.items()} | {"userHandle": self.handle}, {}
        )

    def _client(self, act: str, challenge: str) -> bytes:
        said = {
            "type": f"webauthn.{act}",
            "challenge": challenge,
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(said).encode()


def _rp(name: str) -> bytes:
    return sha256(name.encode()).digest()


def _text(value: bytes) -> str:
    return websafe_encode(value)


def _credential(answer: dict[str, str], more: dict[str, Any]) -> str:
    one = {"id": _text(b"one"), "rawId": _text(b"one"), "type": "public-key"}
    return json.dumps({**one, "response": answer, "clientExtensionResults": more})
