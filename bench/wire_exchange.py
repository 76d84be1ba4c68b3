"""FastMM's simulated exchange, spot, as the market of the wire benchmark: one process on a loopback port.

Depth goes out every `DEPTH_MS`, and the market behind it moves often enough that most batches change the touch. What
the exchange allows an account is set so high that no client meets it.
"""

import hashlib
import hmac
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

KEY, SECRET, SYMBOL = "sim-key", "sim-secret", "BTCUSDT"
DEPTH_MS = 20

CONFIG = """
[venues.sim]
kind = "sim"
[[instruments]]
venue = "sim"
symbol = "BTCUSDT"
base = "BTC"
quote = "USDT"
asset_class = "spot"
tick = "0.01"
lot = "0.00001"
min_qty = "0.00001"
max_qty = "100"
min_notional = "5"
enabled = true
[sim]
seed = 7
start_mid = "60000"
depth_update_ms = {depth_ms}
driver_tick_ms = 1
ping_interval_ms = 20000
[sim.account]
api_key = "sim-key"
api_secret = "sim-secret"
[sim.account.balances]
BTC = "100"
USDT = "10000000"
[sim.limits]
weight_per_minute = 1000000
orders_per_10s = 1000000
orders_per_day = 100000000
[sim.generator]
enabled = true
seed_levels = 20
limit_rate_per_s = 1000.0
cancel_rate_per_order_s = 20.0
market_rate_per_s = 0.5
mid_step_rate_per_s = 400.0
offset_p = 0.02
base_spread_ticks = 2990
limit_qty_median_lots = 200.0
limit_qty_sigma = 0.8
market_qty_median_lots = 200.0
market_qty_sigma = 0.5
regimes = false
max_resting = 2000
"""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def signed(params: dict[str, Any]) -> dict[str, Any]:
    """With key and signature, as the venue's websocket API wants it: HMAC-SHA-256 over the sorted parameters."""
    keyed = {"apiKey": KEY} | params
    text = urlencode(sorted(keyed.items()))
    return keyed | {"signature": hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()}


class Exchange:
    """Runs the exchange on `cpu` while it is entered."""

    def __init__(self, python: Path, folder: Path, cpu: int) -> None:
        self.port, self._folder, self._cpu = free_port(), folder, cpu
        self._command = [
            str(python),
            "-m",
            "fastmm",
            "sim",
            "--bind",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--no-tls",
        ]

    def __enter__(self) -> "Exchange":
        """Raises RuntimeError when it does not answer within 20 seconds."""
        config = self._folder / "exchange.toml"
        config.write_text(CONFIG.format(depth_ms=DEPTH_MS))
        self.log = self._folder / "exchange.log"
        env = os.environ | {"FASTMM_SIM_API_KEY": KEY, "FASTMM_SIM_API_SECRET": SECRET}
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                [*self._command, "--config", str(config)], stdout=out, stderr=out, env=env, cwd=self._folder
            )
        os.sched_setaffinity(self._process.pid, {self._cpu})
        for _ in range(200):
            if self._process.poll() is None and self._answers():
                return self
            time.sleep(0.1)
        self.__exit__(None, None, None)
        raise RuntimeError(f"the exchange does not answer:\n{self.log.read_text()[-2000:]}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            self.get("/api/v3/ping")
        except OSError:
            return False
        return True

    def get(self, path: str) -> Any:
        """The JSON at a public path."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=1) as answer:
            return json.load(answer)

    def cancel_all(self) -> None:
        """Leaves the account without open orders, so that each turn starts alike."""
        query = {"symbol": SYMBOL, "timestamp": int(time.time() * 1000), "recvWindow": 5000}
        text = urlencode(query)
        signature = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        url = f"http://127.0.0.1:{self.port}/api/v3/openOrders?{text}&signature={signature}"
        request = urllib.request.Request(url, method="DELETE", headers={"X-MBX-APIKEY": KEY})
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except urllib.error.HTTPError as e:
            with e:
                if json.load(e).get("code") != -2011:  # nothing was open
                    raise
