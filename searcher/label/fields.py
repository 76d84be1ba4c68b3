"""Typed reading of what nodes answer: snake_case or camelCase names, numbers as such or as hexadecimal strings."""

import re
from typing import Any

from searcher.errors import RunError


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


_CAMEL = {n: _camel(n) for n in ("trace_address", "transaction_hash", "transaction_position", "call_type",
          "refund_address", "gas_used", "effective_gas_price", "block_number", "base_fee_per_gas")}  # fmt: skip
_HEX = re.compile(r"0x[0-9a-fA-F]+")


class Fields:
    """One JSON object and its place in the file, which opens every error."""

    __slots__ = ("_values", "name")

    def __init__(self, values: object, name: str) -> None:
        if not isinstance(values, dict):
            raise RunError(f"{name}: must be a JSON object")
        self.name = name
        self._values: dict[str, Any] = values

    def _get(self, name: str) -> Any:
        value = self._values.get(name)
        return self._values.get(_CAMEL.get(name, name)) if value is None else value

    def absent(self, name: str) -> bool:
        """Whether the field is missing or null."""
        return self._get(name) is None

    def text(self, name: str, default: str | None = None) -> str:
        """A string, in lower case."""
        value = self._get(name)
        if isinstance(value, str):
            return value.lower()
        if value is None and default is not None:
            return default
        raise self._wrong(name, "a string")

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number that is not negative."""
        value = self._get(name)
        if isinstance(value, str) and _HEX.fullmatch(value):
            return int(value, 16)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        if value is None and default is not None:
            return default
        raise self._wrong(name, "a whole number, or one as a hexadecimal string")

    def path(self, name: str) -> tuple[int, ...]:
        """A list of whole numbers."""
        value = self._get(name)
        if isinstance(value, list) and all(isinstance(v, int) for v in value):
            return tuple(value)
        raise self._wrong(name, "a list of whole numbers")

    def items(self, name: str) -> list[object]:
        """A list of whatever it holds."""
        value = self._get(name)
        if isinstance(value, list):
            return value
        raise self._wrong(name, "a list")

    def table(self, name: str) -> "Fields":
        """An object below this one."""
        return Fields(self._get(name), f"{self.name}.{name}")

    def _wrong(self, name: str, what: str) -> RunError:
        value = self._get(name)
        if value is None:
            return RunError(f"{self.name}: {name} is missing; it is {what}")
        return RunError(f"{self.name}: {name} = {str(value)[:80]!r}: it must be {what}")
