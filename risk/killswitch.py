"""The kill switch for people: look, trip, and, with a reason, resume. The file is native; see `risk/switch.rs`."""

import getpass
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from native import _core

State = Literal["active", "reducing", "halted"]


def default_path() -> Path:
    """`SEARCHER_SWITCH`, or `~/.local/state/searcher/switch`."""
    named = os.environ.get("SEARCHER_SWITCH")
    return Path(named).expanduser() if named else Path.home().joinpath(".local", "state", "searcher", "switch")


@dataclass(frozen=True, slots=True)
class Tripped:
    """Why the switch first left active. `at_ns` (since 1970) and `pid` are 0 where they are not known."""

    cause: str
    text: str
    at_ns: int
    pid: int


class KillSwitch:
    """The switch of this node, in the file `path`; created, active, if there is none.

    Raises OSError if the file cannot be created, opened for writing or mapped. A damaged file reads as halted.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path if path is not None else default_path()
        self._switch = _core.Switch(self.path)

    @property
    def native(self) -> _core.Switch:
        """The handle that a native gate takes."""
        return self._switch

    @property
    def log_path(self) -> Path:
        """Where every trip and reset is written down, a line each."""
        return self.path.with_name(self.path.name + ".log")

    @property
    def state(self) -> State:
        """As it is now, whichever process made it so."""
        state = self._switch.state()
        return "active" if state == "active" else "reducing" if state == "reducing" else "halted"

    @property
    def reason(self) -> Tripped | None:
        """Why it first left active; None while it is active."""
        reason = self._switch.reason()
        return Tripped(*reason) if reason else None

    def trip(self, reason: str, state: State = "halted", cause: str = "person") -> bool:
        """Moves the switch down to `state`; True if it moved. It never moves up, and an empty reason still trips.

        Raises OSError if it tripped and the log could not be written, and ValueError for an unknown cause.
        """
        moved = self._switch.trip(state, cause, reason, time.time_ns())
        if moved and (error := self._switch.log_error()):
            raise OSError(f"the switch is {self.state}, but that could not be logged: {error}")
        return moved

    def resume(self, reason: str, who: str | None = None) -> None:
        """Back to active. For a person: `who` is the login name unless given, `reason` says why it is safe.

        Raises ValueError without a reason, if the log cannot be written, or if it was tripped again meanwhile.
        """
        self._switch.reset(getpass.getuser() if who is None else who, reason, time.time_ns())
        self._switch = _core.Switch(self.path)  # a file that was damaged is mapped anew

    def verify(self) -> bool:
        """Whether the path still leads to the file that this handle has mapped; if not, the handle halts."""
        return self._switch.verify(time.time_ns())


def halt(reason: str, path: Path | None = None, *, reducing: bool = False) -> str:
    """Trips the switch and says how it stands, in one line, for the command line.

    Raises OSError if there is no writing to it; the switch may be tripped all the same, and the text says so.
    """
    switch = KillSwitch(path)
    before = switch.state
    moved = switch.trip(reason, "reducing" if reducing else "halted")
    return f"{switch.path}: {before} -> {switch.state}" if moved else _standing(switch)


def flatten(reason: str, path: Path | None = None) -> str:
    """Asks every lane to cancel and to bring its positions to zero; then they halt. Says how the switch stands.

    Only an active switch can be told: its reason is the first one. Raises ValueError where it was tripped before, and
    OSError as `halt`.
    """
    switch = KillSwitch(path)
    before = switch.state
    if not switch.trip(reason, "reducing", "flatten") and not _asks_to_flatten(switch):
        raise ValueError(
            f"{_standing(switch)}: lanes that are halted send cancels only; flatten by hand, or find out why and "
            "resume first"
        )
    return f"{switch.path}: {before} -> {switch.state} (flatten: {reason})"


def _asks_to_flatten(switch: KillSwitch) -> bool:
    reason = switch.reason
    return switch.state == "reducing" and reason is not None and reason.cause == "flatten"


def resume(reason: str, path: Path | None = None, who: str | None = None) -> str:
    """Resets the switch and says how it stands, in one line. Raises ValueError without a reason, OSError as above."""
    switch = KillSwitch(path)
    before = switch.state
    switch.resume(reason, who)
    return f"{switch.path}: {before} -> {switch.state}"


def status(path: Path | None = None) -> str:
    """How the switch stands and why, in one line."""
    return _standing(KillSwitch(path))


def _standing(switch: KillSwitch) -> str:
    reason = switch.reason
    return f"{switch.path}: {switch.state}" + (f" ({reason.cause}: {reason.text})" if reason else "")
