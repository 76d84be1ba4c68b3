"""Our turn of the wire benchmark: the daemon itself, `searcher run`, its lane pinned and busy-polling.

usage: python -m bench.wire_ours PORT CPU SECONDS
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.run import ROOT
from bench.wire_exchange import KEY, SECRET

CONFIG = """
[run]
mode = "live"
[venue]
market = "ws://127.0.0.1:{port}"
orders = "ws://127.0.0.1:{port}/ws-api/v3"
rest = "http://127.0.0.1:{port}"
reconcile_every_s = 3600
[connection]
poll = "busy"
cpu = {cpu}
[keys]
key_kind = "hmac"
api_key_env = "WIRE_KEY"
secret_env = "WIRE_SECRET"
[lane]
venue = "binance_spot"
state = "state"
equity = "10000000"
[[instrument]]
symbol = "BTCUSDT"
tick = "0.01"
lot = "0.00001"
maker_fee_bps = "1"
taker_fee_bps = "4"
[instrument.limits]
max_order_qty = "1"
max_order_notional = "1000000"
max_position_qty = "100"
max_open_orders = 8
price_collar_bps = 5000
max_book_age_ms = 60000
max_orders_per_second = 1000
outlier_bps = 5000
[limits]
max_feed_latency_ms = 60000
feed_latency_ticks = 1000
max_drawdown_bps = 10000
max_reject_rate_bps = 10000
reject_window = 1000
[features]
ew_halflife_ms = 1000
window = 256
vwap_trades = 256
levels = 5
[simulation]
queue_model = "power_prob3"
queue_exponent = 3.0
partial_fills = true
self_trade_prevention = "expire_maker"
amend_requeues = false
entry_latency_us = 10000
response_latency_us = 10000
[[kernel]]
strategy = "bench.wire_follow:Follow"
instruments = ["BTCUSDT"]
budget_us = 1000
"""


def main() -> None:
    """Trades for so long. Ends with the daemon's exit code."""
    port, cpu, seconds = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.toml"
        config.write_text(CONFIG.format(port=port, cpu=cpu))
        env = os.environ | {"WIRE_KEY": KEY, "WIRE_SECRET": SECRET, "SEARCHER_SWITCH": str(Path(folder) / "switch")}
        command = [sys.executable, "-m", "searcher", "run", "-c", str(config), "--for", seconds]
        code = subprocess.run(command, cwd=ROOT, env=env, check=False).returncode
    sys.exit(code)


if __name__ == "__main__":
    main()
