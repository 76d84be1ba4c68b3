"""`searcher keys`, and where a lane's credentials come from. Secrets are typed, piped or in the environment: never an
argument, never printed."""

import argparse
import getpass
import os
import sys
from collections.abc import Callable

from cex.venues.binance_auth import Credentials, generate, private_key, public_pem
from searcher.errors import ConfigError, RunError
from searcher.keystore import Keystore, StoredKey, open_keystore, refuse_others
from searcher.live_config import Keys


def load_credentials(keys: Keys) -> Credentials:
    """The credentials that `[keys]` names. Raises ConfigError where something is not there, RunError for a wrong
    password; no text holds a secret."""
    if keys.keystore is not None:
        assert keys.name is not None, "a keystore is read with a name"
        store = open_keystore(keys.keystore, _password(keys.password_env))
        stored = store.keys.get(keys.name)
        if stored is None:
            raise ConfigError(f"keys.name = {keys.name!r}: {keys.keystore} has no such key; it has {_names(store)}")
        if stored.api_key is None:
            raise ConfigError(
                f"keys.name = {keys.name!r}: it has no API key yet; register its public key with the venue, then "
                f"`searcher keys add {keys.name} --keystore {keys.keystore}`"
            )
        return _checked("hmac" if stored.kind == "hmac" else "ed25519", stored.api_key, stored.secret)
    assert keys.api_key_env is not None, "without a keystore there are two variables"
    assert keys.secret_env is not None, "without a keystore there are two variables"
    api_key = _environment(keys.api_key_env, "api_key_env")
    secret = _environment(keys.secret_env, "secret_env")
    return _checked(keys.key_kind, api_key, secret)


def _checked(kind: str, api_key: str, secret: str) -> Credentials:
    if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise ConfigError("the API key has characters that no API key has")
    if kind == "hmac":
        if "PRIVATE KEY" in secret:
            raise ConfigError('the secret is a private key, not an HMAC secret: write key_kind = "ed25519"')
        return Credentials("hmac", api_key, secret)
    try:
        private_key(secret)
    except ValueError as error:
        raise ConfigError(f"the Ed25519 secret is {error}") from None
    return Credentials("ed25519", api_key, secret)


def _environment(variable: str, key: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ConfigError(f"keys.{key}: the environment variable {variable} is not set")
    return value


def _names(store: Keystore) -> str:
    return ", ".join(sorted(store.keys)) or "none"


def _password(variable: str | None) -> str:
    if variable is not None:
        return _environment(variable, "password_env")
    if not sys.stdin.isatty():
        raise ConfigError("keys.password_env is missing: without a terminal the keystore's password must be named")
    return getpass.getpass("Password of the keystore: ")


class Answers:
    """What a person is asked: typed without an echo on a terminal, else read from standard input, a line each."""

    def __init__(self) -> None:
        self._terminal = sys.stdin.isatty()

    def secret(self, what: str) -> str:
        """One line. Raises ConfigError where it is empty."""
        text = (getpass.getpass(f"{what}: ") if self._terminal else sys.stdin.readline()).strip()
        if not text:
            raise ConfigError(f"{what}: nothing was given")
        return text

    def new_password(self, variable: str | None, *, exists: bool) -> str:
        """A password: from the environment, or asked for, twice where it is a new one."""
        if variable is not None:
            return _environment(variable, "password_env")
        password = self.secret("Password of the keystore")
        if not exists and self._terminal and self.secret("Once more") != password:
            raise ConfigError("the two passwords differ; nothing was written")
        return password

    def block(self, what: str) -> str:
        """The rest of standard input, or lines to the end mark of a PEM."""
        if not self._terminal:
            return sys.stdin.read().strip()
        print(f"{what} (PEM, ends with its END line):", file=sys.stderr)
        lines: list[str] = []
        while not lines or not lines[-1].startswith("-----END"):
            lines.append(getpass.getpass(""))
        return "\n".join(lines)


def add(args: argparse.Namespace) -> None:
    """`searcher keys add`: stores an API key with its secret, or gives a generated key its API key."""
    answers = Answers()
    store = open_keystore(
        args.keystore, answers.new_password(args.password_env, exists=args.keystore.exists()), create=True
    )
    old = store.keys.get(args.name)
    if old is not None and old.api_key is not None:
        raise ConfigError(f"{args.name} is there already: `searcher keys remove {args.name}` first")
    api_key = answers.secret("API key")
    if old is not None:
        kind, secret = old.kind, old.secret
    elif args.kind == "ed25519":
        kind, secret = "ed25519", _pem(args, answers)
    else:
        kind, secret = "hmac", answers.secret("Secret")
    credentials = _checked(kind, api_key, secret)
    store.keys[args.name] = StoredKey(credentials.kind, api_key, secret)
    store.save()
    print(f"{args.keystore}: {args.name} ({kind}) is stored")


def _pem(args: argparse.Namespace, answers: Answers) -> str:
    if args.pem is None:
        return answers.block("Private key")
    refuse_others(args.pem)
    text: str = args.pem.read_text(encoding="utf-8")
    return text


def generate_key(args: argparse.Namespace) -> None:
    """`searcher keys generate`: a new Ed25519 key; prints the public half, to be registered with the venue."""
    answers = Answers()
    store = open_keystore(
        args.keystore, answers.new_password(args.password_env, exists=args.keystore.exists()), create=True
    )
    if args.name in store.keys:
        raise ConfigError(f"{args.name} is there already: `searcher keys remove {args.name}` first")
    private, public = generate()
    store.keys[args.name] = StoredKey("ed25519", None, private)
    store.save()
    print(public, end="")
    print("Register this public key with the venue (self-generated, no right to withdraw, your address only), then "
          f"`searcher keys add {args.name} --keystore {args.keystore}`.", file=sys.stderr)  # fmt: skip


def list_keys(args: argparse.Namespace) -> None:
    """`searcher keys list`: names, kinds and the ends of the API keys."""
    store = open_keystore(args.keystore, Answers().new_password(args.password_env, exists=True))
    for name, key in sorted(store.keys.items()):
        print(f"{name}\t{key.kind}\t{'…' + key.api_key[-4:] if key.api_key else 'not registered yet'}")
        if key.kind == "ed25519" and key.api_key is None:
            print(public_pem(key.secret), end="")


def remove(args: argparse.Namespace) -> None:
    """`searcher keys remove`."""
    store = open_keystore(args.keystore, Answers().new_password(args.password_env, exists=True))
    if args.name not in store.keys:
        raise RunError(f"{args.keystore} has no key {args.name}; it has {_names(store)}")
    del store.keys[args.name]
    store.save()
    print(f"{args.keystore}: {args.name} is gone; revoke it at the venue too")


ACTIONS: dict[str, Callable[[argparse.Namespace], None]] = {
    "add": add,
    "generate": generate_key,
    "list": list_keys,
    "remove": remove,
}
