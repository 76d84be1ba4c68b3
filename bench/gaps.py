"""How far what is found stays from the best possible, drawn: plans over cycles beside the convex dual bound.

usage: python -m bench.gaps FILE [--out out/gaps.html]

FILE has a line of JSON for each random network, as the test `gaps_of_10_to_10_000_pools` of
native/tests/chain_size_gaps.rs writes it:

    SEARCHER_GAPS=out/gaps.jsonl cargo test --release --test chain_size_gaps -- --ignored

A gap is `1 - found / bound`. The bound allows any number of hops and cancels what goes back and forth; a plan has
cycles of at most four hops (three in the largest networks), swapped one after the other, and sells what it gains in
other tokens. So a gap is partly what longer routes would bring, and never a proof that more can be had. Networks whose
bound is below a millionth of an ETH are counted and left out: there is nothing to find.

Writes the page (self-contained), prints the table. Exit codes: 2 without a line to draw.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import plotly.graph_objects as go

DUST_WEI = 10**12


@dataclass(frozen=True, slots=True)
class Network:
    """One random network: wei, milliseconds and a part of 1."""

    pools: int
    cycles: int
    found_wei: int
    bound_wei: int
    found_ms: float
    bound_ms: float

    @property
    def gap(self) -> float:
        """The part of the bound that is not found; the bound is above 0."""
        return 1 - self.found_wei / self.bound_wei


def read(text: str) -> list[Network]:
    """One network for each line. Raises ValueError or KeyError for a line that is not one."""
    rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    return [
        Network(
            int(r["pools"]), int(r["cycles"]), int(r["found_wei"]), int(r["bound_wei"]), float(r["found_ms"]),
            float(r["bound_ms"]),
        )
        for r in rows
    ]  # fmt: skip


def table(networks: Sequence[Network]) -> str:
    """Median and worst gap by size, as Markdown."""
    lines = ["| pools | networks | nothing to find | cycles | median gap | worst gap | found | bound |"]
    lines.append("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for size in sorted({n.pools for n in networks}):
        ours = [n for n in networks if n.pools == size]
        real = [n for n in ours if n.bound_wei > DUST_WEI]
        if not real:
            continue
        gaps = [n.gap for n in real]
        cycles, found_ms, bound_ms = (
            statistics.median(column) for column in zip(*((n.cycles, n.found_ms, n.bound_ms) for n in real), strict=True)
        )
        lines.append(
            f"| {size:,} | {len(ours)} | {len(ours) - len(real)} | {cycles:,.0f} "
            f"| {statistics.median(gaps):.2%} | {max(gaps):.2%} | {found_ms:,.1f} ms | {bound_ms:,.1f} ms |"
        )
    return "\n".join(lines)


def figure(networks: Sequence[Network]) -> go.Figure:
    """Each network a point, and lines through the medians and the worst of each size."""
    real = [n for n in networks if n.bound_wei > DUST_WEI]
    sizes = sorted({n.pools for n in real})
    by_size = [[100 * n.gap for n in real if n.pools == size] for size in sizes]
    chart = go.Figure()
    chart.add_scatter(
        x=[n.pools for n in real],
        y=[100 * n.gap for n in real],
        mode="markers",
        name="a network",
        marker={"size": 6, "opacity": 0.5},
    )
    chart.add_scatter(x=sizes, y=[statistics.median(gaps) for gaps in by_size], mode="lines+markers", name="median")
    chart.add_scatter(x=sizes, y=[max(gaps) for gaps in by_size], mode="lines+markers", name="worst")
    chart.update_xaxes(type="log", title="pools")
    chart.update_yaxes(title="gap to the dual bound, %", rangemode="tozero")
    chart.update_layout(title="What plans over cycles leave to the bound on any trades", template="plotly_white")
    return chart


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="bench.gaps", description="Draws gaps to the dual bound.")
    parser.add_argument("file", type=Path, help="lines of JSON, one for each network")
    parser.add_argument("--out", type=Path, default=Path("out/gaps.html"), help="the page to write")
    given = parser.parse_args()
    networks = read(given.file.read_text())
    if not any(n.bound_wei > DUST_WEI for n in networks):
        print(f"{given.file} has no network with anything to find", file=sys.stderr)
        return 2
    given.out.parent.mkdir(parents=True, exist_ok=True)
    figure(networks).write_html(given.out, include_plotlyjs=True)
    print(table(networks))
    print(f"\nwritten: {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
