"""The benchmark from outside: tick on the wire to order on the wire, ours beside FastMM, over the machine's floor.

usage: python -m bench.wire [--rounds N] [--seconds S]      (`make bench-wire` does it, from the project's environment)

FastMM's simulated exchange serves three clients in turns within one run, round after round: the floor, a bare loop that
answers each burst of market data with a request signed beforehand; FastMM; and ours. Both engines keep one order on
each side a fixed distance behind the touch and move it with every change of the touch; both are one thread, pinned,
busy-polling. FastMM runs without its journal; ours writes its Tape. Packets are captured on the loopback interface with
the kernel's own timestamps; what is counted, and how, is in `bench.wire_capture`. The client has a core to itself if
there is a second one; the exchange and the capture share another.

Every round is shown. The last lines pool them: percentiles, what is left of each after the floor's median, and the
ratio of ours to FastMM's. Exit codes: 1 when a turn failed, packets were missed, or the machine was so busy that the
bare loop was not the fastest; 2 when packets cannot be captured here or there is one core only.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from bench.run import HERE, ROOT, rival_python, table
from bench.wire_capture import CaptureRefused, Packet, Reactions, Sniffer, reactions
from bench.wire_exchange import DEPTH_MS, Exchange

#: Of a turn, after its first order: compiled code is paged in, caches and queues are in their steady state.
SETTLE_NS = 2_000_000_000
#: Between two looks into the capture.
NAP_SECONDS = 0.02
#: Percentiles of fewer latencies say nothing.
LEAST = 100
FLOOR, RIVAL, OURS = "floor", "FastMM", "ours"


class TurnFailed(RuntimeError):
    """A client ended before its time, or packets were missed."""


def at(latencies_ns: Sequence[int], percent: float) -> float:
    """Nearest-rank percentile, microseconds."""
    ordered = sorted(latencies_ns)
    return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)] / 1000


def turn(exchange: Exchange, name: str, command: Sequence[str | Path], log: Path, cpus: Collection[int]) -> Reactions:
    """One client from start to end; it may use `cpus` and binds itself to one of them. Raises `TurnFailed`."""
    exchange.cancel_all()
    with Sniffer(exchange.port) as sniffer, log.open("wb") as out:
        process = subprocess.Popen(
            [str(c) for c in command],
            cwd=ROOT,
            stdout=out,
            stderr=out,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus),  # this process has bound itself elsewhere
        )
        try:
            while process.poll() is None:
                time.sleep(NAP_SECONDS)
                sniffer.drain()
        finally:
            process.kill()
            process.wait()
        sniffer.drain()
    if process.returncode:
        raise TurnFailed(f"{name} ended with {process.returncode}:\n{log.read_text(errors='replace')[-3000:]}")
    if sniffer.dropped:
        raise TurnFailed(f"{sniffer.dropped} packets of {name}'s turn were missed: the capture came too late to them")
    found = reactions(sniffer.packets, SETTLE_NS)
    if len(found.latencies_ns) < LEAST:
        raise TurnFailed(f"{name} answered {found.answered} of {found.bursts} bursts in {span(sniffer.packets):.0f} s")
    return found


def span(packets: Sequence[Packet]) -> float:
    """Seconds from the first to the last."""
    return (packets[-1].time_ns - packets[0].time_ns) / 1e9 if packets else 0.0


def row(name: str, r: Reactions, floor_us: float) -> tuple[str, ...]:
    """Cells of the table."""
    p50, p90, p99 = (at(r.latencies_ns, p) for p in (50, 90, 99))
    own = ("",) * 3 if name.startswith(FLOOR) else tuple(f"{p - floor_us:.1f}" for p in (p50, p90, p99))
    counts = (f"{r.bursts:,}", f"{r.answered:,}", f"{r.mixed:,}", f"{len(r.latencies_ns):,}")
    return (name, *counts, f"{p50:.1f}", f"{p90:.1f}", f"{p99:.1f}", *own)


def pooled(rounds: Sequence[Reactions]) -> Reactions:
    """All rounds as one."""
    whole = Reactions()
    for r in rounds:
        whole.latencies_ns += r.latencies_ns
        whole.bursts += r.bursts
        whole.answered += r.answered
        whole.mixed += r.mixed
        whole.others += r.others
        whole.methods += r.methods
    return whole


def report(found: dict[str, list[Reactions]]) -> str:
    """The table, and what it comes to."""
    head = ("µs", "bursts", "answered", "mixed", "n", "p50", "p90", "p99", "p50-floor", "p90-floor", "p99-floor")
    rows = []
    for n in range(len(found[FLOOR])):
        floor_us = at(found[FLOOR][n].latencies_ns, 50)
        rows += [row(f"{name}, round {n + 1}", turns[n], floor_us) for name, turns in found.items()]
    whole = {name: pooled(turns) for name, turns in found.items()}
    floor_us = at(whole[FLOOR].latencies_ns, 50)
    rows += [row(f"{name}, all rounds", r, floor_us) for name, r in whole.items()]
    lines = [table([head, *rows]), ""]
    for name, r in whole.items():
        said = ", ".join(f"{method} {n:,}" for method, n in r.methods.most_common())
        lines.append(f"{name}: first requests {said}; {r.others:,} bursts began with no depth")
    if OURS in whole and RIVAL in whole:
        for percent in (50, 90, 99):
            ours, rival = (at(whole[name].latencies_ns, percent) for name in (OURS, RIVAL))
            line = f"p{percent}: ours / FastMM {ours / rival:.2f} on the wire"
            if not is_disturbed(found):
                line += f", {(ours - floor_us) / (rival - floor_us):.2f} over the floor's median"
            lines.append(line)
    return "\n".join(lines)


def is_disturbed(found: dict[str, list[Reactions]]) -> bool:
    """The bare loop was not the fastest in every round: something else ran on the client's core, and what the engines
    took beyond it is not known."""
    medians = {name: [at(r.latencies_ns, 50) for r in rounds] for name, rounds in found.items()}
    return any(floor >= other for name in medians for floor, other in zip(medians[FLOOR], medians[name], strict=True)
               if name != FLOOR)  # fmt: skip


def processor() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="bench.wire", description="Tick on the wire to order on the wire.")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each client (default 3)")
    parser.add_argument("--seconds", type=float, default=20, help="length of a turn, 5 to 50 (default 20)")
    parser.add_argument("--clients", default=f"{FLOOR},{RIVAL},{OURS}", help="whose turns, in their order")
    args = parser.parse_args()
    if not 5 <= args.seconds <= 50 or args.rounds < 1:
        parser.error("--seconds is 5 to 50 (the floor's request is valid for 60), --rounds at least 1")
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cpus) < 2:
        print("the client needs a core to itself, and the exchange another: Linux with two cores", file=sys.stderr)
        return 2
    # The highest core is the client's. With a third, the capture does not share the exchange's either.
    client, venue, capture = cpus[-1], cpus[-2], cpus[-3 if len(cpus) > 2 else -2]
    python = rival_python()
    tail = ("{port}", str(client), str(args.seconds))
    commands: dict[str, tuple[str | Path, ...]] = {
        FLOOR: (sys.executable, "-m", "bench.wire_floor", *tail),
        RIVAL: (python, HERE / "wire_fastmm.py", *tail),
        OURS: (sys.executable, "-m", "bench.wire_ours", *tail),
    }
    names = args.clients.split(",")
    if FLOOR not in names or not set(names) <= set(commands):
        parser.error(f"--clients takes {', '.join(commands)}, and {FLOOR} is always one of them")
    os.sched_setaffinity(0, {capture})
    found: dict[str, list[Reactions]] = {name: [] for name in names}
    loads = [os.getloadavg()[0]]
    try:
        with tempfile.TemporaryDirectory() as folder, Exchange(python, Path(folder), venue) as exchange:
            for n in range(args.rounds):
                for name in names:
                    print(f"round {n + 1} of {args.rounds}: {name}", file=sys.stderr)
                    command = [str(c).replace("{port}", str(exchange.port)) for c in commands[name]]
                    found[name].append(turn(exchange, name, command, Path(folder) / "client.log", cpus))
                loads.append(os.getloadavg()[0])
    except CaptureRefused as e:
        print(e, file=sys.stderr)
        return 2
    except (TurnFailed, RuntimeError) as e:
        print(e, file=sys.stderr)
        return 1
    print(report(found))
    print(
        f"\n{processor()}, {len(cpus)} cores, Linux "
        f"{platform.release()}; load average {min(loads):.1f} to {max(loads):.1f}; depth every {DEPTH_MS} ms; "
        f"client on core {client}, exchange on {venue}, capture on {capture}"
    )
    if is_disturbed(found):
        print("the bare loop was not the fastest in every round: run this again on a quiet machine", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
