"""Our side of the benchmark; run by bench/run.py in the project's own environment, prints one JSON line.

usage: python -m bench.ours record CAPTURE TAPE     writes the Tape of a capture
       python -m bench.ours replay PATH             the quoting backtest of a capture or a Tape, best of three
       python -m bench.ours parts CAPTURE           the parts by themselves, best of three
"""

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from native import _core
from searcher.config import Config, load
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


def parts(capture: str) -> dict[str, float | None]:
    """Nanoseconds of each part; None where the native module has no such measure."""
    return {
        "level, parse and apply": native("bench_levels", capture, key="ns_per_level"),
        "book update, every feature": native("bench_features", CALLS, 5),
        "kernel call, JoinTouch.on_timer": min(hook() for _ in range(3)),
        "decoded event to encoded Intent": native("bench_tick_to_intent", CALLS, key="median_ns"),
    }


def native(name: str, *args: Any, key: str | None = None) -> float | None:
    """The least of three runs of a measure of the native module: a number, or a dict with it under `key`."""
    measure = getattr(_core, name, None)
    if measure is None:
        return None
    found = [measure(*args) for _ in range(3)]
    return min(float(f[key]) if key else float(f) for f in found)


def hook() -> float:
    """A hook that reads the top and writes two levels."""
    import numpy as np

    from native import compile_strategy, load_strategy
    from native.kernel import VIEW_DTYPE

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
