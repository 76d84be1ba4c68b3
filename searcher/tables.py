"""Typed reading of TOML tables: each key is asked for by name, and what nobody asked for is an error."""

import difflib
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

DECIMAL = re.compile(r"-?\d+(\.\d+)?")


class ConfigError(ValueError):
    """What is wrong with a configuration, on one line, with the full path of the key and what to do."""


def nearest(name: str, names: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or the list of names when none is near."""
    names = sorted(names)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(names)}"


class Table:
    """One TOML table and its path in the file. Read every key, then call `done`."""

    def __init__(self, values: Mapping[str, Any], path: str) -> None:
        self.path = path
        self._values = values
        self._asked: set[str] = set()

    def key(self, name: str) -> str:
        """Full path of a key, as written in an error."""
        return f"{self.path}.{name}" if self.path else name

    def has(self, name: str) -> bool:
        """Whether the key was written."""
        self._asked.add(name)
        return name in self._values

    def _get(self, name: str, kinds: type | tuple[type, ...], what: str, default: Any) -> Any:  # noqa: ANN401 (TOML is untyped; `kinds` says what comes back)
        if not self.has(name):
            if default is None:
                raise ConfigError(f"{self.key(name)} is missing: it is {what}")
            return default
        value = self._values[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            raise ConfigError(f"{self.key(name)} = {value!r}: it must be {what}")
        return value

    def text(self, name: str, default: str | None = None) -> str:
        """A string that is not empty."""
        value: str = self._get(name, str, "a string", default)
        if not value:
            raise ConfigError(f"{self.key(name)} is empty")
        return value

    def choice(self, name: str, names: Iterable[str], default: str | None = None) -> str:
        """One of `names`."""
        names = list(names)
        value: str = self._get(name, str, f"one of {', '.join(names)}", default)
        if value not in names:
            raise ConfigError(f"{self.key(name)} = {value!r} is not known{nearest(value, names)}")
        return value

    def flag(self, name: str, default: bool | None = None) -> bool:
        """True or false."""
        return bool(self._get(name, bool, "true or false", default))

    def whole(self, name: str, default: int | None = None, least: int = 0) -> int:
        """An integer of at least `least`."""
        value: int = self._get(name, int, f"a whole number of at least {least}", default)
        if value < least:
            raise ConfigError(f"{self.key(name)} = {value}: it must be at least {least}")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """A positive number; for models and statistics, never for money."""
        value = float(self._get(name, (int, float), "a positive number", default))
        if not 0 < value < float("inf"):
            raise ConfigError(f"{self.key(name)} = {value}: it must be a positive number")
        return value

    def decimal(self, name: str, default: str | None = None, *, signed: bool = False) -> str:
        """A decimal in quotes, so that it never is a float: digits, perhaps a point. Positive unless `signed`."""
        value = self._values.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            raise ConfigError(f'{self.key(name)} = {value}: write money and quantities in quotes, "{value}"')
        text: str = self._get(name, str, 'a decimal in quotes, for example "0.1"', default)
        if not DECIMAL.fullmatch(text) or len(text) > 37:
            raise ConfigError(f'{self.key(name)} = {text!r}: it must be a decimal in quotes, for example "0.1"')
        if not signed and Decimal(text) <= 0:
            raise ConfigError(f"{self.key(name)} = {text!r}: it must be more than zero")
        return text

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty when not written."""
        value = self._get(name, list, "a list of strings", [])
        if not all(isinstance(v, str) for v in value):
            raise ConfigError(f"{self.key(name)} = {value!r}: it must be a list of strings")
        return tuple(value)

    def table(self, name: str, *, required: bool = False) -> "Table":
        """A table below this one; an empty one when not written."""
        return Table(self._get(name, dict, "a table", None if required else {}), self.key(name))

    def tables(self, name: str) -> list["Table"]:
        """An array of tables (`[[name]]`); empty when not written."""
        value = self._get(name, list, f"an array of tables, [[{name}]]", [])
        if not all(isinstance(v, dict) for v in value):
            raise ConfigError(f"{self.key(name)}: it must be an array of tables, [[{name}]]")
        return [Table(v, f"{self.key(name)}[{i}]") for i, v in enumerate(value)]

    def raw(self, name: str) -> object:
        """A key of several kinds, or None when not written."""
        return self._values[name] if self.has(name) else None

    def rest(self) -> dict[str, Any]:
        """Every key of a table whose names are somebody else's."""
        self._asked.update(self._values)
        return dict(self._values)

    def done(self) -> None:
        """Refuses keys that nobody asked for: a misspelt limit must not be a missing one."""
        for name in self._values:
            if name not in self._asked:
                raise ConfigError(f"unknown key {self.key(name)}{nearest(name, self._asked)}")
