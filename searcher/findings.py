"""What a check found: one line each, which says what is so and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How bad a finding is; the value is the exit code that it asks for."""

    OK = (0, "ok")
    WARNING = (0, "warning")
    WRONG = (1, "wrong")
    """Something outside the configuration: keys, clock, venue, host."""
    CONFIG = (2, "wrong")
    """The configuration itself."""

    @property
    def exit_code(self) -> int:
        """0, 1 or 2."""
        return self.value[0]


@dataclass(frozen=True, slots=True)
class Finding:
    """`about` is what was looked at, `said` what is so, `todo` what to do (empty where nothing is)."""

    level: Level
    about: str
    said: str
    todo: str = ""

    def line(self) -> str:
        """The finding on one line."""
        return f"{self.about}: {self.said}" + (f"; {self.todo}" if self.todo else "")


def ok(about: str, said: str) -> Finding:
    """Nothing to do."""
    return Finding(Level.OK, about, said)


def warning(about: str, said: str, todo: str) -> Finding:
    """A lane may start all the same."""
    return Finding(Level.WARNING, about, said, todo)


def wrong(about: str, said: str, todo: str) -> Finding:
    """No lane starts."""
    return Finding(Level.WRONG, about, said, todo)


def config(about: str, said: str, todo: str) -> Finding:
    """No lane starts until the configuration is another."""
    return Finding(Level.CONFIG, about, said, todo)


def exit_code(findings: Iterable[Finding]) -> int:
    """2 where the configuration is wrong, else 1 where anything else is, else 0."""
    return max((f.level.exit_code for f in findings), default=0)
