"""Whether this machine is set up for a lane. Only what can be read; nothing is changed. Linux; elsewhere it says so."""

import os
import shutil
import sys
from pathlib import Path

from searcher.findings import Finding, ok, warning, wrong

#: Below this a day of Tapes may not fit: a busy instrument writes about 2 GB a day before compression.
LEAST_FREE_BYTES = 5 << 30


def findings(cpu: int | None, poll: str, state: Path, system: Path = Path("/sys")) -> list[Finding]:
    """The lane's CPU (None: not pinned), the power governor, huge pages, and room for the Tape at `state`."""
    found = [_disk(state)]
    if sys.platform != "linux":
        return [*found, warning("host", f"{sys.platform} is not looked into", "run a live lane on Linux")]
    return [*found, *_cpu(cpu, poll, system), _governor(cpu, system), _huge_pages(system)]


def _disk(state: Path) -> Finding:
    there = state
    while not there.exists():
        there = there.parent
    if not os.access(there, os.W_OK):
        return wrong("state folder", f"{state} cannot be written", "give lane.state a folder of your own")
    free = shutil.disk_usage(there).free
    said = f"{free >> 30} GiB are free at {state}"
    return ok("disk", said) if free >= LEAST_FREE_BYTES else warning("disk", said, "make room: the Tape grows all day")


def _cpu(cpu: int | None, poll: str, system: Path) -> list[Finding]:
    count = os.cpu_count() or 1
    if cpu is None:
        if poll == "busy":
            return [warning("cpu", "the lane polls without rest and is not pinned", "set connection.cpu")]
        return [ok("cpu", "not pinned, and sleeps between messages")]
    if cpu not in os.sched_getaffinity(0):
        return [wrong("cpu", f"{cpu} is not one this process may use (0 to {count - 1})", "change connection.cpu")]
    isolated = _list(_read(system / "devices/system/cpu/isolated"))
    if cpu not in isolated:
        named = ", ".join(map(str, sorted(isolated))) or "none"
        return [
            warning(
                "cpu",
                f"{cpu} is shared with other threads (isolated: {named})",
                f"boot with isolcpus={cpu} nohz_full={cpu}",
            )
        ]
    return [ok("cpu", f"{cpu} is isolated")]


def _governor(cpu: int | None, system: Path) -> Finding:
    name = _read(system / f"devices/system/cpu/cpu{cpu or 0}/cpufreq/scaling_governor")
    if not name:
        return ok("governor", "the system shows none (a virtual machine, or fixed)")
    if name != "performance":
        return warning(
            "governor", f"{name}: the clock of the CPU falls between messages", "cpupower frequency-set -g performance"
        )
    return ok("governor", "performance")


def _huge_pages(system: Path) -> Finding:
    text = _read(system / "kernel/mm/transparent_hugepage/enabled")
    if "[always]" in text:
        return warning(
            "huge pages",
            "transparent huge pages are on for all",
            "write madvise to /sys/kernel/mm/transparent_hugepage/enabled",
        )
    return ok("huge pages", "not forced")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _list(text: str) -> set[int]:
    """`0,2-4` as the kernel writes it."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found
