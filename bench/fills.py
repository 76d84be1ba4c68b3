"""Our fills beside hftbacktest's: the same recorded file, orders, latency and queue model, and a table of what differs.

usage: python -m bench.fills [--quick] [--markdown] [--rival PYTHON] [CAPTURE]    (`make fills` does it)

Each row of the table is one run of both engines: a queue model, whole or partial fills, and a seed of the rule of
orders (`fills_rule.py`). A fill is what one order got at one moment: order, matching-engine time, last price, lots,
maker or taker; it matches when all five are equal. An order whose fills or end differ is explained by a fill rule of
the README when the plain model (`fills_twin.py`), with that rule's switch turned to hftbacktest's way, turns our fills
of it into theirs. Exit code 1: something differs that no rule explains. 2: no capture.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.fills_market import MS, Market, load
from bench.fills_ours import LATENCY_US, Run, Setup, run
from bench.fills_rule import FIRST_POLL, lives
from bench.fills_twin import SWITCHES, Fill, Order, Rules, simulate, subsets
from bench.run import ROOT, rival_python, table

MODELS = (("risk_averse", 1.0), ("power_prob", 2.0), ("power_prob2", 1.5), ("power_prob3", 3.0), ("log_prob", 1.0),
          ("log_prob2", 1.0))  # fmt: skip
ALL = [Setup(model, n, partial, seed) for model, n in MODELS for partial in (False, True) for seed in (1, 2)]
QUICK = [
    Setup("risk_averse", 1.0, False, 1),
    Setup("power_prob2", 1.5, False, 2),
    Setup("power_prob3", 3.0, False, 1),
    Setup("power_prob3", 3.0, True, 1),
]
LATENCY_NS = LATENCY_US * 1000

Story = tuple[tuple[Fill, ...], tuple[int, int] | None]
"""What became of an order: its fills and its end (time, how)."""


@dataclass(slots=True)
class Verdict:
    """What one run of both engines came to."""

    setup: Setup
    polls: int = 0
    orders: int = 0
    ours: int = 0
    theirs: int = 0
    matched: int = 0
    #: Orders that hftbacktest was not given, because it would have stopped at them (rule 5).
    withheld: int = 0
    #: Orders that differ, by the rules that explain them.
    explained: Counter[str] = field(default_factory=Counter)
    #: One line for each thing that nothing explains.
    unexplained: list[str] = field(default_factory=list)


def stories(of: Run, until_ns: int) -> dict[int, Story]:
    """What became of each order before `until_ns`."""
    fills: dict[int, list[Fill]] = {}
    for number, time_ns, px, lots, maker in of.fills.tolist():
        if time_ns < until_ns:
            fills.setdefault(number, []).append((time_ns, px, lots, maker))
    ends = {number: (time_ns, how) for number, time_ns, how in of.ends.tolist() if time_ns < until_ns}
    return {n: (tuple(sorted(fills.get(n, ()))), ends.get(n)) for n in range(len(of.orders))}


def modelled(of: dict[int, Order], until_ns: int) -> dict[int, Story]:
    """The same of the plain model."""
    return {
        n: (
            tuple(f for f in sorted(o.fills) if f[0] < until_ns),
            o.end if o.end and o.end[0] < until_ns else None,
        )
        for n, o in of.items()
    }


def orders_of(of: Run, seed: int) -> list[Order]:
    """The run's orders as the plain model takes them."""
    cancels = lives(seed, len(of.books))
    return [
        Order(n, sent + LATENCY_NS, sent + life * 10 * MS + LATENCY_NS, side, px, lots, tif)
        for n, ((sent, side, px, lots, tif), life) in enumerate(zip(of.orders.tolist(), cancels, strict=False))
    ]


def haunting(market: Market, ours: Run, setup: Setup) -> list[int]:
    """Orders that hftbacktest would keep in its book after they are filled (its issues 301 and 312), and stop at."""
    done = simulate(market, orders_of(ours, setup.seed), rules(setup, frozenset(SWITCHES)))
    return [n for n, o in done.items() if o.haunts and setup.partial]


def rules(setup: Setup, switches: frozenset[str]) -> Rules:
    """The model's rules for a run."""
    return Rules(setup.model, setup.exponent, setup.partial, switches)


def differing_rows(name: str, ours: Iterable[Sequence[int]], theirs: Iterable[Sequence[int]]) -> list[str]:
    """The first row in which two logs differ, one line; none when they are equal as far as both go."""
    for n, (a, b) in enumerate(zip(ours, theirs, strict=False)):
        if list(a) != list(b):
            return [f"{name} {n}: ours {list(a)}, theirs {list(b)}"]
    return []


def compare(market: Market, setup: Setup, ours: Run, theirs: Run, withheld: Iterable[int] = ()) -> Verdict:
    """Books poll by poll, orders one by one, then fills and ends, each difference with the rule that explains it."""
    withheld = set(withheld)
    verdict = Verdict(setup, polls=min(len(ours.books), len(theirs.books)), withheld=len(withheld))
    verdict.unexplained += differing_rows("poll", ours.books[FIRST_POLL:].tolist(), theirs.books[FIRST_POLL:].tolist())
    verdict.unexplained += differing_rows("order", ours.orders.tolist(), theirs.orders.tolist())
    if theirs.stopped != (0, 0):
        verdict.unexplained.append(f"hftbacktest stopped with {theirs.stopped[0]} at {theirs.stopped[1]}")
    if verdict.unexplained or not verdict.polls:
        return verdict
    # What was still under way when either log ended is not compared.
    until_ns = int(min(ours.books[-1, 0], theirs.books[-1, 0])) - 3 * LATENCY_NS
    a, b = stories(ours, until_ns), stories(theirs, until_ns)
    verdict.orders = min(len(a), len(b))
    compared = [n for n in range(verdict.orders) if n not in withheld]
    for n in compared:
        verdict.ours += len(a[n][0])
        verdict.theirs += len(b[n][0])
        verdict.matched += len(set(a[n][0]) & set(b[n][0]))
    explain(verdict, market, orders_of(ours, setup.seed), a, {n: b[n] for n in compared}, until_ns)
    return verdict


def explain(
    verdict: Verdict,
    market: Market,
    orders: list[Order],
    ours: dict[int, Story],
    theirs: dict[int, Story],
    until_ns: int,
) -> None:
    """Counts in the verdict what explains the orders that differ; the model must know every order of both engines."""

    def model(switches: frozenset[str]) -> dict[int, Story]:
        fresh = [Order(o.number, o.arrives_ns, o.cancelled_ns, o.side, o.px, o.lots, o.tif) for o in orders]
        return modelled(simulate(market, fresh, rules(verdict.setup, switches)), until_ns)

    as_we_do, as_they_do = model(frozenset()), model(frozenset(SWITCHES))
    for who, told, known in (("ours", ours, as_we_do), ("theirs", theirs, as_they_do)):
        strange = [n for n in told if n in known and told[n] != known[n]]
        verdict.unexplained += [f"order {n}: {who} {told[n]}, by the rules {known[n]}" for n in strange]
    left = {n for n in theirs if theirs[n] != ours[n]}
    for switches in subsets():
        if not left:
            break
        known = model(switches)
        found = {n for n in left if known[n] == theirs[n]}
        verdict.explained["+".join(sorted(switches))] += len(found)
        left -= found
    verdict.explained = +verdict.explained
    verdict.unexplained += [f"order {n}: ours {ours[n]}, theirs {theirs[n]}" for n in sorted(left)]


def rival_runs(python: Path, capture: Path, first_ns: int, wanted: dict[Setup, list[int]]) -> dict[Setup, Run]:
    """hftbacktest's side, in a process of its environment; `wanted` says which orders each run is not given."""
    with tempfile.TemporaryDirectory() as folder:
        texts = [":".join([s.key(), ",".join(map(str, withheld))]) for s, withheld in wanted.items()]
        command = [str(python), "-m", "bench.rival_fills", str(capture), str(first_ns), folder, *texts]
        subprocess.run(command, check=True, cwd=ROOT)
        found = {}
        for n, setup in enumerate(wanted):
            with np.load(Path(folder) / f"{n}.npz") as saved:
                code, at_ns = saved["stopped"].tolist()
                found[setup] = Run(saved["books"], saved["orders"], saved["fills"], saved["ends"], (code, at_ns))
        return found


def judge(capture: Path, python: Path, setups: Iterable[Setup]) -> list[Verdict]:
    """Both sides of every setup, compared."""
    market = load(capture)
    ours = {s: run(capture, s, market.clock_offset_ns) for s in setups}
    first_ns = {int(r.books[0, 0]) for r in ours.values()}
    assert len(first_ns) == 1, "a recording's first poll does not depend on the setup"
    withheld = {s: haunting(market, r, s) for s, r in ours.items()}
    theirs = rival_runs(python, capture, first_ns.pop(), withheld)
    return [compare(market, s, ours[s], theirs[s], withheld[s]) for s in ours]


HEAD = ("queue model", "fills", "seed", "orders", "withheld", "ours", "theirs", "matched", "differing orders",
        "unexplained")  # fmt: skip


def row(v: Verdict) -> tuple[str, ...]:
    """One row of the table. `differing orders`: how many, after the rules that explain them."""
    model = v.setup.model + (f" {v.setup.exponent:g}" if v.setup.model.startswith("power") else "")
    why = ", ".join(f"rule {names}: {n}" for names, n in sorted(v.explained.items())) or "none"
    numbers = (f"{n:,}" for n in (v.orders, v.withheld, v.ours, v.theirs, v.matched))
    mode = "partial" if v.setup.partial else "whole"
    return model, mode, str(v.setup.seed), *numbers, why, str(len(v.unexplained))


def render(verdicts: Iterable[Verdict], markdown: bool = False) -> str:
    """The table, for a terminal or as the README has it."""
    rows = [HEAD, *(row(v) for v in verdicts)]
    if not markdown:
        return table(rows)
    lines = [" | ".join(("", *cells, "")).strip() for cells in rows]
    return "\n".join([lines[0], "|" + "---|" * len(HEAD), *lines[1:]])


def main() -> int:
    """Compares and prints."""
    data = Path(os.environ.get("SEARCHER_DATA") or ROOT.parent / "shared" / "data")
    parser = argparse.ArgumentParser(prog="fills", description="Our fills beside hftbacktest's.")
    parser.add_argument("capture", nargs="?", type=Path, default=data / "binance" / "usdm_btcusdt_20240808.gz")
    parser.add_argument("--quick", action="store_true", help="a few runs instead of every model, mode and seed")
    parser.add_argument("--markdown", action="store_true", help="print the table as the README has it")
    parser.add_argument("--rival", type=Path, help="interpreter that has hftbacktest (default: bench/.venv, made)")
    args = parser.parse_args()
    if not args.capture.is_file():
        print(f"no capture at {args.capture}: name one, or its data folder in SEARCHER_DATA", file=sys.stderr)
        return 2
    verdicts = judge(args.capture.resolve(), args.rival or rival_python(), QUICK if args.quick else ALL)
    polls = min(v.polls for v in verdicts) - FIRST_POLL
    print(f"{args.capture.name}: ours beside hftbacktest 2.4.4, 10 ms to the exchange and 10 ms back.")
    print(f"Books and orders compared at {polls:,} polls of each run.\n")
    print(render(verdicts, args.markdown))
    strange = [f"{v.setup.key()}: {line}" for v in verdicts for line in v.unexplained]
    print("\n" + ("\n".join(strange[:20]) if strange else "Every difference is explained by the rules named (README)."))
    return 1 if strange else 0


if __name__ == "__main__":
    sys.exit(main())
