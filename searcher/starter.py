"""`searcher init DIR`: a project that replays as it is, and says where to change it."""

from pathlib import Path

#: What a replay and a live lane read.
TRADED = """\
# What the lane trades, within which limits, and how the simulated exchange behaves.
# Money, prices and quantities are in quotes: they are decimals and never become a float.

[lane]
venue = "binance_usdm"       # or "binance_spot"
equity = "100000"            # quote currency; the drawdown limit is a part of it
clock_offset = "auto"        # our clock minus the exchange's: "auto" (from the data; live: measured), or nanoseconds
# name = "lane1"             # of a live lane; its state folder is called so
# number = 1                 # 1 to 65535, part of its order ids: no two lanes of an account share one
# state = "state"            # what survives it; without this it is $SEARCHER_STATE (or ~/.local/state/searcher)/NAME

[[instrument]]
symbol = "BTCUSDT"
tick = "0.1"
lot = "0.001"
# Fees in basis points of the traded value; below zero is a rebate. These are those of a market-maker programme. An
# account without one pays about "2" as maker on USD-M, and a strategy that lives on rebates then loses: write yours.
maker_fee_bps = "-0.5"
taker_fee_bps = "5"

# There are no defaults for limits. Each of these is your decision: read them all.
[instrument.limits]
max_order_qty = "0.05"           # base currency
max_order_notional = "5000"      # quote currency
max_position_qty = "0.1"         # long or short, open orders counted at their worst
max_open_orders = 10
price_collar_bps = 100           # an order further than this from the mid is refused
max_book_age_ms = 2000           # a book older than this is no ground for an order
max_orders_per_second = 50
outlier_bps = 500                # a tick further than this from the previous one is ignored and counted

[limits]
# Market data older than this at its receipt, so many ticks in a row: the lane halts. Recorded days were often taken far
# from the exchange, by a clock of their own: the bursts in them are the recorder's. On a live node write 50.
max_feed_latency_ms = 250
feed_latency_ticks = 3
max_drawdown_bps = 200           # of equity, in a day: halt and flatten
max_reject_rate_bps = 2000       # rejected orders, of the last reject_window
reject_window = 100

[features]
ew_halflife_ms = 1000
window = 256
vwap_trades = 256
levels = 5

[simulation]
queue_model = "power_prob3"      # risk_averse, power_prob, power_prob2, power_prob3, log_prob, log_prob2
queue_exponent = 3.0
partial_fills = true
self_trade_prevention = "expire_taker"   # or "expire_maker", "expire_both", "none"
amend_requeues = true            # a smaller quantity loses its place in the queue too: true on USD-M, false on spot
entry_latency_us = 10000         # our order to the exchange
response_latency_us = 10000      # its answer back to us
# latency_file = "latency.csv"   # instead of these two: recorded requests, lines of req_ns,exch_ns,resp_ns
# latency_offset_us = 0          # added to each way of them: another site is nearer or farther
# feed_latency_us = 500          # market data to us; without it, as it was recorded

[[kernel]]
strategy = "strategy.py:JoinTouch"
instruments = ["BTCUSDT"]
budget_us = 1000                 # a hook that takes longer trips the switch
params = { qty_lots = 1, max_lots = 20, timer_ms = 100 }
"""

#: What a live lane reads besides.
CONNECTED = """
# What follows is for `searcher run` and `searcher check` alone. What is commented out is the default, or an example.

[run]
mode = "paper"                   # "live" trades, "paper" trades on a simulated exchange, "record" runs no kernels
on_stop = "cancel"               # at SIGTERM; "flatten" also brings positions to zero
# stop_deadline_s = 10           # so long a stopping lane may take

[venue]
network = "production"           # or "testnet"
# market = "wss://HOST"          # single endpoints instead of the network's; without TLS only to this host
# orders = "wss://HOST/PATH"
# user = "wss://HOST"
# rest = "https://HOST"
# account = "https://HOST"       # where the key's permissions are asked for
# depth_ms = 100                 # how often the book's changes are sent
# streams_per_connection = 300
# order_entry = "websocket"      # or "rest"
# recv_window_ms = 5000          # the exchange refuses requests that are older when they arrive
# ack_timeout_ms = 2000          # an order without an answer for so long is asked for
# reconcile_every_s = 60         # the account is compared with the exchange's at least this often
# countdown_ms = 120000          # USD-M cancels for us when it hears nothing for so long; 0 leaves that alone
# cancel_reserve_bps = 2000      # part of the exchange's rate limits kept for cancels, questions and getting out

[connection]
# poll = "sleep"                 # "busy" never sleeps: the least latency, for a whole core
# cpu = 1                        # bind the lane's thread to this core; without it the system chooses
# ca_file = "ca.pem"             # trust these certificates instead of the system's
# clock_speed = 1                # a faster clock, for tests against an exchange on this host alone
# clock_origin_ns = 0            # when that clock and the host's agree

# Only `mode = "live"` needs keys; `searcher keys add NAME` stores them encrypted. Or the names of two environment
# variables: api_key_env and secret_env, with key_kind.
# [keys]
# keystore = "keys"
# name = "NAME"
# password_env = "SEARCHER_PASSWORD"
# key_kind = "ed25519"
# api_key_env = "BINANCE_API_KEY"
# secret_env = "BINANCE_SECRET"
"""

CONFIG = TRADED + CONNECTED

STRATEGY = '''\
"""A first strategy: join the best bid and ask with a small order, and stop adding to a position that is large enough.

It is a place to start from, not a way to earn: it pays its fees and is picked off. Its markouts in the report say so.
"""

from native import Out, View, ask, bid, clear, param, strategy


@strategy
class JoinTouch:
    """Desires one order at the best bid and one at the best ask, and none without a top."""

    qty_lots: int = param(1, ge=1, doc="lots on each side")
    max_lots: int = param(20, ge=1, doc="no more of a side once the position is this long or short, lots")
    timer_ms: int = param(100, ge=1, doc="how often the quotes are looked at, ms")

    def on_timer(self, view: View, out: Out) -> None:
        """Writes the desired ladder: prices in ticks, quantities in lots."""
        clear(out)
        if view.has_top:
            if view.position < self.max_lots:
                bid(out, view.bid_px, self.qty_lots)
            if view.position > -self.max_lots:
                ask(out, view.ask_px, self.qty_lots)
'''

README = """\
# A strategy

    searcher replay DAY.gz --config config.toml --html report.html
    searcher check -c config.toml      # everything that can be known before it runs
    searcher run -c config.toml        # on paper: the exchange's live market, a simulated exchange for the orders

- `strategy.py` decides: change `JoinTouch`, or write another class and name it in `config.toml`.
- `config.toml` limits: every order passes the gate, and the gate refuses what these limits do not allow.
- `--set kernel.qty_lots=2` tries a parameter without editing the file.

No recorded day at hand? `searcher generate day.gz --seconds 300 --seed 7` makes one.
"""

FILES = {"config.toml": CONFIG, "strategy.py": STRATEGY, "README.md": README}


def write(folder: Path) -> list[Path]:
    """Writes the starter project into a new or empty folder. Raises FileExistsError where there is something in it,
    and OSError where it cannot be written."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is not an empty folder: choose another; nothing was written")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
        paths.append(folder / name)
    return paths
