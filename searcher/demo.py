"""`searcher demo`: a loopback exchange, the daemon with the market maker, and the live status, on this host alone.

It ends flat, and then says what happened and whether the exchange's own log agrees with it.
"""

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from searcher.demo_truth import Comparison, compare
from searcher.errors import RunError
from searcher.starter import TRADED

#: Without a terminal it ends by itself after this, unless --seconds or $DEMO_SECONDS says otherwise.
SECONDS = 60.0
READY_S = 30.0
#: The daemon's own deadline, and some.
STOP_S = 30.0

STRATEGY = "cex.strategies.market_maker:MarketMaker"


def config_toml(venue: str, where: dict[str, str], folder: Path) -> str:
    """The starter's configuration for the demo: another strategy, the loopback exchange's fees and endpoints."""
    text = TRADED[: TRADED.index("[[kernel]]")]
    tick, lot, maker, taker = ("0.1", "0.001", "0", "5") if venue == "binance_usdm" else ("0.01", "0.00001", "0", "10")
    for old, new in (
        ('venue = "binance_usdm" ', f'venue = "{venue}" '),
        ("[lane]", f'[lane]\nname = "demo"\nstate = "{folder / "lanes" / "demo"}"'),
        ('tick = "0.1"', f'tick = "{tick}"'),
        ('lot = "0.001"', f'lot = "{lot}"'),
        ('maker_fee_bps = "-0.5"', f'maker_fee_bps = "{maker}"'),
        ('taker_fee_bps = "5"', f'taker_fee_bps = "{taker}"'),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    user = f'user = "{where["user"]}"\n' if venue == "binance_usdm" else ""
    lots = 5 if venue == "binance_usdm" else 100
    return (
        f'{text}[[kernel]]\nstrategy = "{STRATEGY}"\nbudget_us = 5000\n'
        f"params = {{ order_lots = {lots}, max_position_lots = {5 * lots}, levels = 2 }}\n\n"
        f'[run]\nmode = "live"\non_stop = "flatten"\n\n'
        f'[venue]\nmarket = "{where["market"]}"\norders = "{where["orders"]}"\n{user}rest = "{where["rest"]}"\n\n'
        f'[keys]\nkey_kind = "hmac"\napi_key_env = "SEARCHER_SIM_KEY"\nsecret_env = "SEARCHER_SIM_SECRET"\n'
    )


def run(args: argparse.Namespace) -> int:
    """`searcher demo`; 0 where it ended flat and the exchange's log agrees, else 1."""
    folder: Path = args.folder.absolute()
    shutil.rmtree(folder / "session", ignore_errors=True)
    session = folder / "session"
    session.mkdir(parents=True)
    # Throw-away keys: they live as long as the two processes.
    environment = {
        **os.environ,
        "SEARCHER_SIM_KEY": f"demo-{secrets.token_hex(12)}",
        "SEARCHER_SIM_SECRET": secrets.token_hex(32),
        "SEARCHER_STATE": str(session / "lanes"),
        "SEARCHER_SWITCH": str(session / "switch"),
    }
    seconds = args.seconds
    if seconds is None and (not sys.stdout.isatty() or "DEMO_SECONDS" in os.environ):
        seconds = float(os.environ.get("DEMO_SECONDS", SECONDS))
    with exchange(args.venue, args.seed, session, environment) as where:
        config = session / "config.toml"
        config.write_text(config_toml(args.venue, where, session), encoding="utf-8")
        print(f"Exchange at {where['rest']}; configuration {config}; Ctrl-C ends flat.")
        code = trade(config, session, environment, seconds)
    found = compare(session / "lanes" / "demo", session / "exchange.jsonl")
    show(found, code, session)
    return 0 if code == 0 and found.agrees else 1


@contextmanager
def exchange(venue: str, seed: int, session: Path, environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """A loopback exchange with a log of its own; gives the words of its `ready` line. Raises RunError."""
    command = [sys.executable, "-m", "searcher", "sim", venue.replace("_", "-"), "--port", "0", "--seed", str(seed)]
    command += ["--maker-fee", "0", "--log", str(session / "exchange.jsonl"), "--state", str(session / "exchange")]
    with (session / "exchange.err").open("w") as errors:
        # A session of its own: the terminal's Ctrl-C is for the demo, which ends things in their order.
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
    try:
        assert process.stdout is not None, "it was asked for"
        line = process.stdout.readline()
        if not line.startswith("ready "):
            raise RunError(f"the loopback exchange did not start: see {session / 'exchange.err'}")
        yield dict(word.split("=", 1) for word in line.split()[1:])
    finally:
        process.terminate()
        try:
            process.wait(READY_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def trade(config: Path, session: Path, environment: dict[str, str], seconds: float | None) -> int:
    """Runs the daemon and shows its status until the time is over or Ctrl-C; gives the daemon's exit code."""
    log = session / "daemon.jsonl"
    command = [sys.executable, "-m", "searcher", "run", "-c", str(config), "--log", str(log)]
    with (session / "daemon.err").open("w") as errors:
        daemon = subprocess.Popen(command, env=environment, stderr=errors, start_new_session=True)
    try:
        watch(daemon, session, None if seconds is None else time.monotonic() + seconds)
    except KeyboardInterrupt:
        print("\nStopping: cancels, brings the position to zero, waits.")
    code = end(daemon)
    if code and (said := (session / "daemon.err").read_text().strip()):
        print(said, file=sys.stderr)
    return code


def end(daemon: "subprocess.Popen[bytes]") -> int:
    """SIGTERM, and a second one if Ctrl-C is pressed again; gives the exit code."""
    until = time.monotonic() + STOP_S
    if daemon.poll() is None:
        daemon.send_signal(signal.SIGTERM)
    while time.monotonic() < until:
        try:
            return daemon.wait(max(0.0, until - time.monotonic()))
        except KeyboardInterrupt:
            daemon.send_signal(signal.SIGTERM)
        except subprocess.TimeoutExpired:
            break
    daemon.kill()
    return daemon.wait()


def watch(daemon: "subprocess.Popen[bytes]", session: Path, until: float | None) -> None:
    """The live status, as long as the daemon runs and the time is not over; a line now and then without a terminal."""
    from rich.live import Live

    from risk.killswitch import KillSwitch
    from searcher.lane_page import read_all
    from searcher.status import WATCH_S, view

    def goes_on() -> bool:
        return daemon.poll() is None and (until is None or time.monotonic() < until)

    lanes, switch = session / "lanes", KillSwitch(session / "switch")
    if sys.stdout.isatty():
        with Live(view(switch, read_all(lanes)), refresh_per_second=4) as live:
            while goes_on():
                time.sleep(WATCH_S)
                live.update(view(switch, read_all(lanes)))
        return
    said_at = time.monotonic()
    while goes_on():
        time.sleep(WATCH_S)
        if time.monotonic() - said_at >= 10:
            said_at = time.monotonic()
            for page in read_all(lanes):
                for one in page.status.get("instruments", []):
                    print(
                        f"{page.lane} {page.health}: {one['symbol']} position {one['position']}, {one['fills']} fills, "
                        f"{one['open_orders']} orders, PnL {one['pnl']['total']}",
                        flush=True,
                    )


def show(found: Comparison, code: int, session: Path) -> None:
    """What happened, ours beside the exchange's."""
    from rich.console import Console
    from rich.table import Table

    table = Table("", "ours", "the exchange's own log", "", box=None, padding=(0, 3, 0, 0))
    for row in found.rows:
        table.add_row(row.what, row.ours, row.theirs, "equal" if row.agrees else "DIFFERENT")
    console = Console()
    console.print()
    console.print(table)
    for line in found.differing[:10]:
        console.print(f"DIFFERENT: {line}")
    console.print(f"PnL {found.pnl} in the quote currency. Files: {session}", soft_wrap=True)
    verdict = (
        "It ended flat, and the exchange agrees." if code == 0 and found.agrees else "It did NOT end as it should."
    )
    console.print(verdict)
