"""The pages that lanes write for everyone on the machine to read, and what they mean in words."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from native import _core
from searcher.live_config import state_root
from searcher.state import PAGE, lanes

#: A lane beats many times a second; without a beat for so long it hangs, or its host does.
STALE_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """One lane's page. `health` is `running`, `stopped`, `stale`, `dead` or `unreadable`; `says` explains it in words.
    `status` is what the lane wrote (keys: `native/src/live/status.rs`), empty before its first."""

    lane: str
    health: str
    says: str
    pid: int
    age_ns: int
    status: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """For `searcher status --json`."""
        return {
            "lane": self.lane,
            "health": self.health,
            "says": self.says,
            "pid": self.pid,
            "heartbeat_age_ns": self.age_ns,
            "status": self.status or None,
        }

    @property
    def has_orders(self) -> bool:
        """Whether an order may be open, unknown ones included."""
        return bool(self.status.get("open_orders") or self.status.get("unknown_orders"))

    @property
    def is_flat(self) -> bool:
        """No order, and no position that an order could bring to zero."""
        return not self.has_orders and not any(_nonzero(_closable(i)) for i in self.status.get("instruments", []))


def _closable(instrument: dict[str, Any]) -> str:
    return str(instrument.get("closable", instrument["position"]))  # a lane of an older build says the position alone


def _nonzero(text: str) -> bool:
    return any(c in "123456789" for c in text)


def read(folder: Path, now_ns: int) -> Page:
    """Reads a lane's page; `now_ns` is the host's time. A page that cannot be read is said, not raised."""
    try:
        reading = json.loads(_core.read_status(str(folder / PAGE)))
    except (OSError, ValueError) as error:
        return Page(folder.name, "unreadable", str(error), 0, 0, {})
    status = reading if "schema" in reading else {}
    pid, beat = reading["pid"], reading["heartbeat_ns"]
    age = max(0, now_ns - beat) if beat else 0
    name = status.get("name", folder.name)
    if not reading["running"]:
        return Page(name, "stopped", f"it ended {_ago(age)}", pid, age, status)
    if not alive(pid):
        left = (
            "; what it left open at the venue is taken over at its next start" if status.get("mode") == "live" else ""
        )
        return Page(name, "dead", f"process {pid} is gone since {_ago(age)}{left}", pid, age, status)
    if age > STALE_NS:
        return Page(
            name, "stale", f"process {pid} lives, but the lane has not beaten for {age / 1e9:.1f} s", pid, age, status
        )
    return Page(name, "running", f"process {pid}", pid, age, status)


def read_all(root: Path | None = None) -> list[Page]:
    """Every lane's page below the state root, by folder."""
    now_ns = time.time_ns()
    return [read(folder, now_ns) for folder in lanes(root or state_root())]


def alive(pid: int) -> bool:
    """Whether a process of this number lives."""
    return Path(f"/proc/{pid}").exists() if Path("/proc/self").exists() else _signals(pid)


def _signals(pid: int) -> bool:
    import os

    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _ago(age_ns: int) -> str:
    seconds = age_ns // 1_000_000_000
    if seconds < 120:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 7_200 else f"{seconds // 3_600} h ago"
