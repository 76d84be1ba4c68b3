"""FastMM's turn of the wire benchmark, at its best: one thread, busy-polling, pinned, without its journal, requoting
without pause at every change of the touch.

usage: python wire_fastmm.py PORT CPU SECONDS      (an environment with bench/requirements.txt)
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import fastmm  # type: ignore[import-not-found]
from fastmm import Param

CONFIG = """
[engine]
name = "wire"
cpu = {cpu}
threading = "single"
spin_mode = "busy"
timer_slack_ns = 1
journal = false
journal_dir = "{folder}"
epoch_file = "{folder}/epoch"
kill_file = "{folder}/kill"
min_requote_ticks = 1
min_requote_interval_ms = 0
post_only = true
supports_replace = true
[venues.sim]
kind = "binance_spot"
ws_url = "ws://127.0.0.1:{port}/stream"
ws_api_url = "ws://127.0.0.1:{port}/ws-api/v3"
rest_url = "http://127.0.0.1:{port}"
api_key = "${{FASTMM_SIM_API_KEY}}"
api_secret = "${{FASTMM_SIM_API_SECRET}}"
testnet = true
supports_replace = true
recv_window_ms = 5000
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
[risk]
max_order_qty = "1"
max_order_notional = "1000000"
max_position = "100"
max_open_orders = 8
price_collar_bps = 5000
fat_finger_bps = 5000
max_loss = "100000000"
orders_per_sec = 100000
burst = 100000
[logging]
level = "warn"
"""


class Follow(fastmm.Strategy):  # type: ignore[misc]
    """One order on each side, a fixed distance behind the touch: it moves with every change of the touch and is
    hardly ever filled."""

    quote_qty = Param(0.001, min=1e-9, doc="size on each side, base units")
    behind_ticks = Param(500, min=0, doc="distance from the touch, ticks")

    @fastmm.hot  # type: ignore[untyped-decorator]
    def on_book(self, ctx: Any, book: Any) -> None:
        """Follows the touch; pulls the quotes without one."""
        if not book.valid:
            ctx.pull()
            return
        behind = ctx.tick_raw * self.behind_ticks
        ctx.clear()
        ctx.bid_raw(book.best_bid_raw - behind, self.quote_qty_raw)
        ctx.ask_raw(book.best_ask_raw + behind, self.quote_qty_raw)
        ctx.keep_passive()


def main() -> None:
    """Trades for so long."""
    port, cpu, seconds = sys.argv[1:]
    os.environ |= {"FASTMM_SIM_API_KEY": "sim-key", "FASTMM_SIM_API_SECRET": "sim-secret"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fastmm.toml"
        path.write_text(CONFIG.format(port=port, cpu=cpu, folder=folder))
        code = fastmm.run_live(Follow, path, duration=float(seconds), no_journal=True, no_status=True)
    sys.exit(code)


main()
