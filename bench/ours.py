"""Our side of the benchmark; run by bench/run.py in the project's own environment, prints one JSON line.

usage: python -m bench.ours record CAPTURE TAPE     writes the Tape of a capture
       python -m bench.ours replay PATH             the quoting backtest of a capture or a Tape, best of three
       python -m bench.ours parts CAPTURE           the parts by themselves
"""

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from native import _core, compile_strategy, load_strategy
from native.kernel import VIEW_DTYPE
from searcher.config import Config, load
from searcher.plan import plan_json
from searcher.replay import run

CONFIG = Path(__file__).with_name("config.toml")
CALLS = 200_000


def record(capture: str, tape: str) -> dict[str, Any]:
    """A Tape of the capture's frames."""
    run(Path(capture), Config(), Path(tape))
    return {}


def replay(path: str) -> dict[str, Any]:
    """Rows, seconds of the run (for a capture: parsing its JSON is part of it), seconds of loading it, peak memory."""
    config = load(CONFIG)
    reports = [run(Path(path), config).report for _ in range(3)]
    assert len({r["sha256"] for r in reports}) == 1, "three runs of one recording differ"
    best = min(reports, key=lambda r: float(r["seconds"]))
    return {
        "engine": f"searcher-engine {_core.__version__}",
        "rows": best["rows"],
        "seconds": best["seconds"],
        "load_seconds": best["load_seconds"],
        "orders": best["messages"]["place"] + best["messages"]["replace"],
        "fills": best["fills"],
        "refusals": sum(best["refusals"].values()),
        "peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def parts(capture: str) -> dict[str, float]:
    """Nanoseconds of each part, and bytes of a book."""
    levels: dict[str, float] = json.loads(_core.bench_levels(capture))
    # The workload's own strategy acts on its timer alone; this one answers books, so that there is a way to measure.
    maker = compile_strategy(load_strategy("cex.strategies.market_maker:MarketMaker"), {})
    through = json.loads(_core.bench_tick_to_intent(capture, plan_json(load(CONFIG)), maker))
    whole, book, encode = through["event_to_wire_ns"], through["book_and_features_ns"], through["encode_ns"]
    return {
        "level, parse": levels["parse_ns_per_level"],
        "level, parse and apply": levels["parse_apply_ns_per_level"],
        "bookTicker, parse": levels["quote_ns"],
        "trade, parse": levels["trade_ns"],
        "book update, every feature": min(_core.bench_features(CALLS, 5) for _ in range(3)),
        "kernel call, JoinTouch.on_timer": min(hook() for _ in range(3)),
        "decoded event to encoded Intents, MarketMaker, median": whole["p50"],
        "  of it, applying the event's levels and features": book["p50"],
        "  the rest of the same event, median of the differences": through["decide_and_encode_ns"]["p50"],
        "  of it, encoding one request": encode["p50"],
        "levels in such an event": through["levels_per_event"],
        "requests it is answered with": through["requests_per_event"],
        "decoded event to encoded Intents, MarketMaker, 99 %": whole["p99"],
        "book in memory, bytes": levels["book_bytes"],
    }


def hook() -> float:
    """A hook that reads the top and writes two levels."""
    view = np.zeros(1, VIEW_DTYPE)
    view["has_top"], view["bid_px"], view["ask_px"] = 1, 616_597, 616_598
    compiled = compile_strategy(load_strategy("cex.strategies.touch:JoinTouch"), {})
    return _core.bench_hook(compiled, "on_timer", view.tobytes(), CALLS)


def main() -> None:
    """One mode, one line."""
    modes: dict[str, Callable[..., dict[str, Any]]] = {"record": record, "replay": replay, "parts": parts}
    print(json.dumps(modes[sys.argv[1]](*sys.argv[2:])))


if __name__ == "__main__":
    main()
