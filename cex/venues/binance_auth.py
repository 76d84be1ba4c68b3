"""Signatures of Binance for the few requests that Python makes; the lane signs its own.

HMAC-SHA256 in hexadecimal, or Ed25519 in base64, over the query as it is sent. Source: binance-spot-api-docs,
rest-api.md, "SIGNED endpoint examples".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

KeyKind = Literal["hmac", "ed25519"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key and what it signs with: the HMAC secret, or an Ed25519 private key as PKCS#8 PEM. Its repr shows
    neither."""

    kind: KeyKind
    api_key: str = field(repr=False)
    secret: str = field(repr=False)

    def sign(self, payload: str) -> str:
        """The signature of `payload`, not yet percent-encoded. Raises ValueError where the secret is no such key."""
        if self.kind == "hmac":
            return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        return base64.b64encode(private_key(self.secret).sign(payload.encode())).decode()

    def signed_query(self, params: Mapping[str, str | int], timestamp_ms: int, recv_window_ms: int) -> str:
        """The query with its timestamp and its signature. `timestamp_ms` is the venue's time."""
        payload = urlencode({**params, "recvWindow": recv_window_ms, "timestamp": timestamp_ms})
        return f"{payload}&signature={quote(self.sign(payload), safe='')}"


def private_key(pem: str) -> Ed25519PrivateKey:
    """An Ed25519 private key from PKCS#8 PEM. Raises ValueError, which never quotes the key."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        raise ValueError("not an unencrypted private key in PKCS#8 PEM (-----BEGIN PRIVATE KEY-----)") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("a private key of another kind than Ed25519")
    return key


def generate() -> tuple[str, str]:
    """A new Ed25519 key: private as PKCS#8 PEM, public as the PEM that the venue registers."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return private, public_pem(private)


def public_pem(pem: str) -> str:
    """The public key of a private one, as the PEM that the venue registers. Raises ValueError as `private_key`."""
    public = private_key(pem).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
