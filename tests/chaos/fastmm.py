"""The daemon on a simulated exchange that nobody here wrote: FastMM's, spot (`pip install fastmm-engine[hot,live]`).

It keeps no log; what it says of the account over REST is held against what the lane kept.
`python -m tests.chaos.fastmm --runs 10` (`FASTMM` names its command if it is somewhere else)
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
import shutil
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.wire_exchange import CONFIG as EXCHANGE
from bench.wire_exchange import KEY, SECRET, free_port
from risk.killswitch import KillSwitch
from tests.chaos.command import main
from tests.chaos.harness import ROOT, Lab, NotInTime, end_group, until
from tests.chaos.truth import Fill, kept

SYMBOL = "BTCUSDT"


@dataclass
class Traded:
    """Kills, fills and what was wrong."""

    kills: int = 0
    fills: int = 0
    wrong: list[str] = field(default_factory=list)


def command() -> str | None:
    """FastMM's command, if it is installed."""
    beside = ROOT / "bench" / ".venv" / "bin" / "fastmm"  # `make bench` installs it
    return os.environ.get("FASTMM") or shutil.which("fastmm") or (str(beside) if beside.exists() else None)


class FastMM:
    """Its exchange in a process of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        fastmm = command()
        assert fastmm is not None, "the caller has looked"
        port, config = free_port(), folder / "exchange.toml"
        config.write_text(EXCHANGE.format(depth_ms=100), encoding="utf-8")
        arguments = ["sim", "--bind", "127.0.0.1", "--port", str(port), "--no-tls", "--config", str(config)]
        with (folder / "exchange.log").open("w") as out:
            self.process = subprocess.Popen(
                [fastmm, *arguments], env=environment, cwd=folder, stdout=out, stderr=out, start_new_session=True
            )
        self._clients: dict[int, str] = {}
        self.rest = f"http://127.0.0.1:{port}"
        market, orders = f"ws://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/ws-api/v3"
        self.where = {"market": market, "orders": orders, "rest": self.rest, "speed": "1", "origin_ns": "0"}
        until("FastMM's exchange answers", self._answers)

    def _answers(self) -> bool:
        try:
            self.ask("/api/v3/openOrders")
        except OSError:
            return False
        return True

    def ask(self, path: str, **parameters: Any) -> Any:
        """A signed question."""
        query = urlencode({"symbol": SYMBOL, **parameters, "timestamp": int(time.time() * 1000)})
        signature = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
        url = f"{self.rest}{path}?{query}&signature={signature}"
        with urllib.request.urlopen(urllib.request.Request(url, headers={"X-MBX-APIKEY": KEY}), timeout=5) as answer:
            return json.load(answer)

    def fills(self) -> dict[tuple[str, int], Fill]:
        """All trades of the account."""
        found: dict[tuple[str, int], Fill] = {}
        from_id = 0
        while trades := self.ask("/api/v3/myTrades", fromId=from_id, limit=1000):
            for t in trades:
                fee = (int(Decimal(t["commission"]).scaleb(8)), t["commissionAsset"])
                side = "BUY" if t["isBuyer"] else "SELL"
                if (order := t["orderId"]) not in self._clients:
                    self._clients[order] = self.ask("/api/v3/order", orderId=order)["clientOrderId"]
                found[SYMBOL, t["id"]] = (
                    self._clients[order],
                    side,
                    Decimal(t["price"]),
                    Decimal(t["qty"]),
                    t["isMaker"],
                    *fee,
                )
            from_id = trades[-1]["id"] + 1
        return found


def run(venue: str, runs: int, seed: int, folder: Path) -> Traded:
    """So many kills of a daemon that trades there."""
    found, chance = Traded(), random.Random(seed)
    if command() is None:
        found.wrong.append("FastMM is not installed: pip install fastmm-engine[hot,live], or name it in FASTMM")
        return found
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        **dict.fromkeys(("SEARCHER_SIM_KEY", "FASTMM_SIM_API_KEY"), KEY),
        **dict.fromkeys(("SEARCHER_SIM_SECRET", "FASTMM_SIM_API_SECRET"), SECRET),
        "SEARCHER_STATE": str(folder / "lanes"),
        "SEARCHER_SWITCH": str(folder / "switch"),
        "PYTHONPATH": str(ROOT),
    }
    exchange = FastMM(folder, environment)
    made = Lab(venue, folder, environment, exchange, {}, KillSwitch(folder / "switch"))  # type: ignore[arg-type]
    try:
        made.configure(maker_bps="1", taker_bps="4")
        for number in range(runs):
            made.start()
            _trades(made, exchange, len(exchange.fills()))
            time.sleep(chance.uniform(0.0, 1.0))
            made.kill()
            found.kills += 1
            made.switch.trip("chaos: compare", "halted", "person")
            made.start()
            made.until("it is reconciled", lambda s: s["reconciled"])
            made.until("no order is left", lambda s: not s["open_orders"] and not s["unknown_orders"])
            found.wrong += [f"kill {number + 1}: {line}" for line in _compare(made, exchange)]
            if code := made.stop():
                found.wrong.append(f"kill {number + 1}: exit code {code} of the next run: {made.said()}")
            made.switch.resume("chaos goes on", "chaos")
        found.fills = len(exchange.fills())
    except NotInTime as error:
        found.wrong.append(str(error))
    finally:
        for daemon in made.daemons:
            if daemon.poll() is None:
                end_group(daemon)
        end_group(exchange.process)
    return found


def _trades(made: Lab, exchange: FastMM, fills: int) -> None:
    made.until("it trades", lambda s: s["messages"]["place"] and len(exchange.fills()) > fills)


def _compare(made: Lab, exchange: FastMM) -> list[str]:
    end = time.monotonic() + 5.0
    while (found := _differences(made, exchange)) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def _differences(made: Lab, exchange: FastMM) -> list[str]:
    theirs, ours = exchange.fills(), kept(made)
    found = [f"trade {key[1]}: theirs {theirs.get(key)}, ours {ours.fills.get(key)}"
             for key in theirs.keys() | ours.fills.keys() if theirs.get(key) != ours.fills.get(key)]  # fmt: skip
    found += [f"trade {trade} is twice in fills.jsonl" for trade in ours.doubled_trades]
    found += [f"{o['clientOrderId']} is open" for o in exchange.ask("/api/v3/openOrders")]
    return found


def show(found: Traded) -> None:
    """What was seen."""
    print(f"  {found.kills} kills on FastMM's exchange; {found.fills} fills, each once")


if __name__ == "__main__":
    main("fastmm", run, show, runs=10, venues=("binance_spot",))
