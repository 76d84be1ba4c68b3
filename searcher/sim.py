"""`searcher sim`: the loopback exchange as a command."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from searcher.errors import ConfigError

if TYPE_CHECKING:
    from cex.sim.exchange import Setup

VENUES = {"binance-spot": False, "binance-usdm": True}
DEFAULT_KEY, DEFAULT_SECRET = "sim-key", "sim-secret"


def arguments(p: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    p.add_argument("venue", choices=VENUES)
    p.add_argument("--port", type=int, required=True, metavar="N", help="0 takes a free one and says which")
    p.add_argument("--tls", action="store_true", help="TLS with a certificate of its own, made in --state")
    p.add_argument("--state", type=Path, default=Path("out/sim"), metavar="DIR", help="where the certificate lies")
    p.add_argument("--symbols", default="BTCUSDT", metavar="A,B", help="instruments (default: BTCUSDT)")
    p.add_argument("--seed", type=int, default=7, metavar="S", help="of the order flow")
    p.add_argument("--rate", type=float, default=1.0, metavar="X", help="the order flow's rates times X")
    p.add_argument("--recording", type=Path, metavar="PATH", help="a raw capture as the market, in a loop")
    p.add_argument("--speed", type=int, default=1, metavar="X", help="the venue's clock runs X times as fast")
    p.add_argument("--origin-ns", type=int, default=0, metavar="NS", help="when both clocks agree (default: now)")
    p.add_argument("--commission", choices=("bnb", "received", "quote"), default="bnb", help="spot: paid in what")
    p.add_argument("--maker-fee", metavar="RATE", help="as a decimal; 0.001 on spot, 0.0002 on USD-M")
    p.add_argument("--taker-fee", metavar="RATE", help="as a decimal; 0.001 on spot, 0.0005 on USD-M")
    p.add_argument("--balance", action="append", default=[], metavar="ASSET=AMOUNT", help="replaces the opening ones")
    p.add_argument("--order-limit", action="append", default=[], metavar="N/SECONDS", help="replaces the venue's")
    p.add_argument("--weight-limit", type=int, default=0, metavar="N", help="request weight a minute")
    p.add_argument("--faults", default="", metavar="NAME=P,...", help="probabilities, e.g. drop=0.01,delay=0.02:250")
    p.add_argument("--fault-seed", type=int, default=1, metavar="S")
    p.add_argument("--log", type=Path, metavar="PATH", help="everything accepted, each fill and expiry, as JSON lines")
    p.add_argument("--tops", type=Path, metavar="PATH", help="each change of the best prices, as JSON lines")
    p.add_argument("--ed25519", type=Path, metavar="PEM", help="a public key whose signatures are good, too")


def _e8(text: str, what: str) -> int:
    whole, _, part = text.partition(".")
    if not (whole + part).isdigit() or len(part) > 8:
        raise ConfigError(f"{what} {text!r}: write a decimal number with at most eight decimals")
    return int(whole + part.ljust(8, "0"))


def _limits(texts: list[str]) -> tuple[tuple[int, int], ...]:
    limits = []
    for text in texts:
        orders, _, seconds = text.partition("/")
        if not (orders.isdigit() and seconds.isdigit() and int(orders) and int(seconds)):
            raise ConfigError(f"--order-limit {text!r}: write orders/seconds, as 50/10")
        limits.append((int(orders), int(seconds) * 1000))
    return tuple(limits)


def setup(args: argparse.Namespace) -> Setup:
    """The exchange that the arguments and the environment ask for. Raises ConfigError."""
    from cex.sim.account import Fees
    from cex.sim.auth import Keys
    from cex.sim.exchange import Setup
    from cex.sim.faults import parse

    futures = VENUES[args.venue]
    maker, taker = (20_000, 50_000) if futures else (100_000, 100_000)
    if args.speed < 1 or args.rate <= 0:
        raise ConfigError("--speed must be a whole number from 1 and --rate more than 0")
    balances: dict[str, int] = {}
    for text in args.balance:
        asset, _, amount = text.partition("=")
        balances[asset] = _e8(amount, f"--balance {asset}")
    try:
        rates, delay_ms = parse(args.faults)
        keys = Keys(
            os.environ.get("SEARCHER_SIM_KEY", DEFAULT_KEY),
            os.environ.get("SEARCHER_SIM_SECRET", DEFAULT_SECRET),
            args.ed25519.read_bytes() if args.ed25519 else None,
        )
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return Setup(
        futures=futures,
        keys=keys,
        symbols=tuple(args.symbols.split(",")),
        seed=args.seed,
        rate=args.rate,
        recording=args.recording,
        speed=args.speed,
        origin_ns=args.origin_ns,
        fees=Fees(
            _e8(args.maker_fee, "--maker-fee") if args.maker_fee else maker,
            _e8(args.taker_fee, "--taker-fee") if args.taker_fee else taker,
            args.commission,
        ),
        balances_e8=balances,
        fault_rates=rates,
        delay_ms=delay_ms,
        fault_seed=args.fault_seed,
        log=args.log,
        tops=args.tops,
        weight_limit=args.weight_limit,
        order_limits=_limits(args.order_limit),
    )


def ready(futures: bool, port: int, tls: bool, origin_ns: int, speed: int, ca_file: Path | None) -> str:
    """The line that says where to connect: `ready` and words of the form name=value."""
    s, host = ("s" if tls else ""), f"localhost:{port}"
    words = {
        "market": f"ws{s}://{host}",
        "orders": f"ws{s}://{host}/ws-{'fapi/v1' if futures else 'api/v3'}",
        "user": f"ws{s}://{host}",
        "rest": f"http{s}://{host}",
        "origin_ns": origin_ns,
        "speed": speed,
        **({"ca_file": ca_file.absolute()} if ca_file else {}),
    }
    return " ".join(["ready", *(f"{name}={value}" for name, value in words.items())])


async def _run(args: argparse.Namespace, wanted: Setup) -> None:
    from cex.sim import tls
    from cex.sim.server import Server

    context, ca_file = tls.context(args.state) if args.tls else (None, None)
    try:
        server = Server(wanted)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    await server.start(args.port, context)
    clock = server.x.clock
    print(ready(wanted.futures, server.port, args.tls, clock.origin_ns, clock.speed, ca_file), flush=True)
    loop, waiting = asyncio.get_running_loop(), asyncio.ensure_future(server.wait())
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, waiting.cancel)
    try:
        await waiting
    except asyncio.CancelledError:
        pass
    finally:
        await server.stop()


def run(args: argparse.Namespace) -> None:
    """`searcher sim`: serves until it is interrupted or told to shut down."""
    asyncio.run(_run(args, setup(args)))
