"""Keys in one encrypted file: AES-256-GCM under a password stretched by Scrypt. Its mode is 0600, or it is not read.

The file is JSON: the parameters of the derivation, and one sealed text with every key. Names are sealed too.
"""

import base64
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from searcher.errors import ConfigError, RunError

VERSION = 1
#: Scrypt's cost: 128 · N · r bytes, here 64 MiB, some tenths of a second (RFC 7914; one of the settings that OWASP's
#: "Password Storage Cheat Sheet" asks for).
SCRYPT_N, SCRYPT_R, SCRYPT_P = 1 << 16, 8, 2
#: A file that asks for more was not written here.
MAX_N = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One key. `secret` is the HMAC secret or an Ed25519 private key (PKCS#8 PEM); without `api_key` it was generated
    and still is to be registered with the venue."""

    kind: str
    api_key: str | None = field(repr=False)
    secret: str = field(repr=False)


@dataclass(slots=True)
class Keystore:
    """An opened keystore; nothing is on the disk until `save`."""

    path: Path
    password: str = field(repr=False)
    keys: dict[str, StoredKey]

    def save(self) -> None:
        """Writes the file whole or not at all, mode 0600."""
        salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
        head: dict[str, Any] = {
            "version": VERSION,
            "scrypt": {"n": SCRYPT_N, "r": SCRYPT_R, "p": SCRYPT_P, "salt": _text(salt)},
            "cipher": "aes-256-gcm",
            "nonce": _text(nonce),
        }
        plain = orjson.dumps(
            {n: {"kind": k.kind, "api_key": k.api_key, "secret": k.secret} for n, k in self.keys.items()}
        )
        sealed = AESGCM(_derive(self.password, head["scrypt"])).encrypt(nonce, plain, orjson.dumps(head))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(orjson.dumps({**head, "sealed": _text(sealed)}))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        finally:
            new.unlink(missing_ok=True)


def open_keystore(path: Path, password: str, *, create: bool = False) -> Keystore:
    """Reads a keystore; with `create`, a missing one is a new empty one.

    Raises ConfigError where the file is missing, readable by others or no keystore, and RunError for a wrong password.
    """
    if not path.exists():
        if not create:
            raise ConfigError(f"{path}: there is no keystore; `searcher keys add NAME --keystore {path}` makes one")
        return Keystore(path, password, {})
    refuse_others(path)
    try:
        stored: dict[str, Any] = orjson.loads(path.read_bytes())
        sealed = base64.b64decode(stored.pop("sealed"))
        nonce = base64.b64decode(stored["nonce"])
        derivation = stored["scrypt"]
        if stored["version"] != VERSION or stored["cipher"] != "aes-256-gcm" or not 2 <= derivation["n"] <= MAX_N:
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ConfigError(f"{path} is no keystore of version {VERSION}; nothing was changed") from None
    try:
        plain = AESGCM(_derive(password, derivation)).decrypt(nonce, sealed, orjson.dumps(stored))
    except (InvalidTag, ValueError):
        raise RunError(f"{path}: the password does not open it, or the file is damaged") from None
    keys = orjson.loads(plain)
    return Keystore(path, password, {n: StoredKey(k["kind"], k["api_key"], k["secret"]) for n, k in keys.items()})


def refuse_others(path: Path) -> None:
    """Raises ConfigError where anyone but its owner can read or write a file, or where the owner is someone else."""
    found = path.stat()
    if found.st_uid != os.geteuid():
        raise ConfigError(f"{path} belongs to another user: keys are read from a file of your own only")
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"{path} is open to others (mode {found.st_mode & 0o777:03o}): chmod 600 {path}")


def _derive(password: str, scrypt: dict[str, Any]) -> bytes:
    salt = base64.b64decode(scrypt["salt"])
    return Scrypt(salt=salt, length=32, n=scrypt["n"], r=scrypt["r"], p=scrypt["p"]).derive(password.encode())


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
