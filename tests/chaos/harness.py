"""One loopback exchange and one daemon as processes of their own, in a folder of their own, and what they say."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from risk.killswitch import KillSwitch
from searcher.lane_page import Page, read

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0
VENUES = ("binance_usdm", "binance_spot")
CHURN = "tests.chaos.strategies:Churn"
#: Limits of the exchange that never bind, for proofs that are not about them: many moments need many orders, and a
#: start every other second costs more request weight than a venue allows in a minute.
BUSY = ("--order-limit", "10000/10", "--weight-limit", "1000000")

#: What the venue charges: maker and taker, as rates and as basis points.
FEES = {"binance_usdm": ("0.0002", "0.0005", "2", "5"), "binance_spot": ("0.001", "0.001", "10", "10")}

CONFIG = """\
[lane]
venue = "{venue}"
equity = "1000000"
name = "chaos"
number = {number}
state = "{state}"

[[instrument]]
symbol = "BTCUSDT"
tick = "{tick}"
lot = "{lot}"
maker_fee_bps = "{maker_bps}"
taker_fee_bps = "{taker_bps}"

[instrument.limits]
max_order_qty = "0.5"
max_order_notional = "50000"
max_position_qty = "2"
max_open_orders = {max_open_orders}
price_collar_bps = 500
max_book_age_ms = {max_book_age_ms}
max_orders_per_second = 1000
outlier_bps = 5000

[limits]
max_feed_latency_ms = {max_feed_latency_ms}
feed_latency_ticks = 3
max_drawdown_bps = {max_drawdown_bps}
max_reject_rate_bps = 10000
reject_window = 1000

[[kernel]]
strategy = "{strategy}"
budget_us = {budget_us}
params = {{ {params} }}

[run]
mode = "live"
on_stop = "{on_stop}"
stop_deadline_s = {stop_deadline_s}

[venue]
market = "{market}"
orders = "{orders}"
{user}rest = "{rest}"
ack_timeout_ms = {ack_timeout_ms}
reconcile_every_s = {reconcile_every_s}
recv_window_ms = {recv_window_ms}
{countdown}
[connection]
clock_speed = {speed}
clock_origin_ns = {origin_ns}

[keys]
key_kind = "hmac"
api_key_env = "SEARCHER_SIM_KEY"
secret_env = "SEARCHER_SIM_SECRET"
"""

DEFAULTS: dict[str, Any] = {
    "number": 1,
    "max_open_orders": 10,
    "max_book_age_ms": 60_000,
    "max_feed_latency_ms": 10_000,
    "max_drawdown_bps": 5_000,
    "strategy": CHURN,
    "params": "",
    "budget_us": 1_000_000,
    "on_stop": "cancel",
    "stop_deadline_s": 10,
    "ack_timeout_ms": 2_000,
    "reconcile_every_s": 5,
    "recv_window_ms": 60_000,
    "countdown": "",
}


class NotInTime(AssertionError):
    """Something that was waited for did not happen."""


def until(what: str, happened: Callable[[], Any], seconds: float = 20.0, step_s: float = 0.01) -> Any:
    """Waits for a true value and gives it. Raises NotInTime."""
    end = time.monotonic() + seconds
    while not (value := happened()):
        if time.monotonic() >= end:
            raise NotInTime(f"not within {seconds:g} s: {what}")
        time.sleep(step_s)
    return value


def end_group(process: subprocess.Popen[Any]) -> None:
    """Ends a process and all that it started, at once."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Exchange:
    """`searcher sim` in a process of its own."""

    def __init__(self, venue: str, folder: Path, environment: dict[str, str], arguments: list[str]) -> None:
        self.log_path, self.tops_path = folder / "exchange.jsonl", folder / "tops.jsonl"
        maker, taker = FEES[venue][:2]
        command = [sys.executable, "-m", "searcher", "sim", venue.replace("_", "-"), "--port", "0"]
        command += ["--log", str(self.log_path), "--tops", str(self.tops_path), "--maker-fee", maker]
        command += ["--taker-fee", taker, *arguments]
        self.errors = folder / "exchange.err"
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True,
                start_new_session=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            end_group(self.process)
            raise AssertionError(f"the exchange did not start: {self.errors.read_text()}")
        self.where = dict(word.split("=", 1) for word in line.split()[1:])
        self.rest = self.where["rest"]

    def _ask(self, path: str, body: Any = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.rest + path, data=data), timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def state(self) -> dict[str, Any]:
        """All that it knows, but closed orders and fills."""
        return self._ask("/sim/state?brief=1")

    def misbehave(self, **orders: Any) -> None:
        """Tells it how; see `cex/sim/control.py`."""
        self._ask("/sim/faults", orders)

    def log(self) -> list[dict[str, Any]]:
        """What it wrote down so far."""
        return lines_of(self.log_path)

    def size(self) -> int:
        """Bytes of the log so far: what comes behind is new."""
        return self.log_path.stat().st_size

    def log_from(self, size: int) -> list[dict[str, Any]]:
        """What it wrote down since the log had so many bytes."""
        with self.log_path.open("rb") as file:
            file.seek(size)
            return [orjson.loads(line) for line in file.read().split(b"\n")[:-1]]

    def end(self) -> None:
        """Ends it in order, so that its files are whole."""
        with suppress(OSError):
            self._ask("/sim/shutdown", {})
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        end_group(self.process)


def lines_of(path: Path) -> list[Any]:
    """JSON lines of a file; a last line without an end is still being written."""
    return [orjson.loads(line) for line in path.read_bytes().split(b"\n")[:-1]] if path.exists() else []


@dataclass
class Lab:
    """A folder with an exchange, a lane's configuration, a switch and the daemons that were started."""

    venue: str
    folder: Path
    environment: dict[str, str]
    exchange: Exchange
    settings: dict[str, Any]
    switch: KillSwitch
    daemons: list[subprocess.Popen[Any]] = field(default_factory=list)

    @property
    def lane(self) -> Path:
        """The lane's folder."""
        return self.folder / "lanes" / "chaos"

    def configure(self, **settings: Any) -> Path:
        """Writes the configuration."""
        where, usdm = self.exchange.where, self.venue == "binance_usdm"
        values = DEFAULTS | {
            "venue": self.venue,
            "state": self.lane,
            "tick": "0.1" if usdm else "0.01",
            "lot": "0.001" if usdm else "0.00001",
            "maker_bps": FEES[self.venue][2],
            "taker_bps": FEES[self.venue][3],
            "params": "" if usdm else "qty_lots = 100, max_lots = 2000",
            **{name: where[name] for name in ("market", "orders", "rest", "speed", "origin_ns")},
            "user": f'user = "{where["user"]}"\n' if usdm else "",
        }
        if where["speed"] == "1":
            values["origin_ns"] = 0
        path = self.folder / "config.toml"
        path.write_text(CONFIG.format(**(values | self.settings | settings)), encoding="utf-8")
        return path

    def start(self, module: str = "searcher", *arguments: str) -> subprocess.Popen[Any]:
        """Starts the daemon; `module` may stand in for the command line."""
        number = len(self.daemons)
        command = [sys.executable, "-m", module, "run", "-c", str(self.folder / "config.toml"), "--log"]
        command += [str(self.folder / "daemon.jsonl"), *arguments]
        with (self.folder / f"daemon{number}.err").open("w") as errors:
            daemon = subprocess.Popen(command, env=self.environment, cwd=ROOT, stderr=errors, start_new_session=True)
        self.daemons.append(daemon)
        return daemon

    def said(self) -> str:
        """What the last daemon wrote before it gave up."""
        return (self.folder / f"daemon{len(self.daemons) - 1}.err").read_text()

    def page(self) -> Page:
        """The lane's status page as it is now."""
        return read(self.lane, time.time_ns())

    def status(self) -> dict[str, Any]:
        """What the last daemon's lane says of itself; empty before it says something."""
        page = self.page() if (self.lane / "status").exists() else None
        return page.status if page and page.health == "running" and page.pid == self.daemons[-1].pid else {}

    def until(self, what: str, happened: Callable[[dict[str, Any]], Any], seconds: float = START_S) -> dict[str, Any]:
        """Waits until the lane's status says something. Raises NotInTime, or AssertionError where the daemon ended."""

        def look() -> dict[str, Any] | None:
            if self.daemons[-1].poll() is not None:
                raise AssertionError(f"the daemon ended ({self.daemons[-1].returncode}): {self.said()}")
            status = self.status()
            return status if status and happened(status) else None

        try:
            found: dict[str, Any] = until(what, look, seconds)
        except NotInTime as error:
            raise NotInTime(f"{error}; its status: {json.dumps(self.status())[:3000]}") from None
        return found

    def tapes(self) -> list[Path]:
        """Every Tape of the lane, in their order."""
        return sorted((self.lane / "tape").glob("*.tape"))

    def kill(self) -> None:
        """`kill -9` of the last daemon and whatever it started."""
        end_group(self.daemons[-1])

    def stop(self, seconds: float = 30.0) -> int:
        """SIGTERM; gives the exit code. Raises AssertionError where it does not end."""
        daemon = self.daemons[-1]
        daemon.send_signal(signal.SIGTERM)
        try:
            return daemon.wait(seconds)
        except subprocess.TimeoutExpired:
            end_group(daemon)
            raise AssertionError(f"the daemon did not end within {seconds:g} s of SIGTERM") from None


@contextmanager
def lab(venue: str, folder: Path, *arguments: str, **settings: Any) -> Iterator[Lab]:
    """An exchange started with `arguments`, and a configuration with `settings`; ends every process at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "SEARCHER_SIM_KEY": f"chaos-{secrets.token_hex(12)}",
        "SEARCHER_SIM_SECRET": secrets.token_hex(32),
        "SEARCHER_STATE": str(folder / "lanes"),
        "SEARCHER_SWITCH": str(folder / "switch"),
        "PYTHONPATH": str(ROOT),
    }
    exchange = Exchange(venue, folder, environment, list(arguments))
    made = Lab(venue, folder, environment, exchange, settings, KillSwitch(folder / "switch"))
    try:
        made.configure()
        yield made
    finally:
        for daemon in made.daemons:
            if daemon.poll() is None:
                end_group(daemon)
        exchange.end()
