"""Keys and signatures as the venue checks them (rest-api.md and web-socket-api.md, "SIGNED request security")."""

import base64
import binascii
import hashlib
import hmac
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from cex.sim.errors import BAD_KEY, BAD_SIGNATURE, EARLY, LATE, VenueError, missing

MOST_WINDOW_MS = 60_000


class Keys:
    """One API key, with an HMAC secret and, if given, an Ed25519 public key (PEM); either signature is good."""

    def __init__(self, api_key: str, secret: str, public_pem: bytes | None = None) -> None:
        self._api_key, self._secret = api_key, secret.encode()
        self._public: Ed25519PublicKey | None = None
        if public_pem is not None:
            key = load_pem_public_key(public_pem)
            if not isinstance(key, Ed25519PublicKey):
                raise ValueError("the public key is not Ed25519")
            self._public = key

    def check_key(self, api_key: str | None) -> str:
        """Raises -2014 without a key, -2015 with another one."""
        if not api_key:
            raise VenueError(-2014, "API-key format invalid.", 401)
        if not hmac.compare_digest(api_key, self._api_key):
            raise VenueError(*BAD_KEY, 401)
        return api_key

    def is_ed25519(self, signature: str) -> bool:
        """By its form: an HMAC is 64 hexadecimal digits."""
        return len(signature) != 64

    def check(self, payload: bytes, signature: str | None) -> None:
        """Raises -1102 without a signature, -1022 with a wrong one."""
        if not signature:
            raise missing("signature")
        if not self.is_ed25519(signature):
            right = hmac.new(self._secret, payload, hashlib.sha256).hexdigest()
            if hmac.compare_digest(right, signature.lower()):
                return
        elif self._public is not None:
            try:
                return self._public.verify(base64.b64decode(signature, validate=True), payload)
            except (InvalidSignature, binascii.Error, ValueError):
                pass
        raise VenueError(*BAD_SIGNATURE)


def check_time(params: dict[str, str], now_ms: int) -> None:
    """`timestamp` and `recvWindow` by the venue's rule ("Timing security"); microseconds are told by their length."""
    try:
        stamp = int(params["timestamp"])
        window = int(params.get("recvWindow") or 5000)
    except KeyError:
        raise missing("timestamp") from None
    except ValueError:
        raise VenueError(-1100, "Illegal characters found in parameter 'timestamp'; legal range is '^[0-9]{1,20}$'."
                         ) from None  # fmt: skip
    if window > MOST_WINDOW_MS:
        raise VenueError(-1131, "recvWindow must be less than 60000.")
    if stamp > 10**15:
        stamp //= 1000
    if stamp >= now_ms + 1000:
        raise VenueError(*EARLY)
    if now_ms - stamp > window:
        raise VenueError(*LATE)


def text_of(value: Any) -> str:
    """A JSON value as it is written in the payload."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def ws_payload(params: dict[str, Any]) -> bytes:
    """Params of a websocket request as they are signed: sorted by name, without the signature."""
    return "&".join(f"{k}={text_of(params[k])}" for k in sorted(params) if k != "signature").encode()
