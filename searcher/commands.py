"""The commands of a live node: their arguments here, their work in the modules that they import when they run, so that
`searcher halt` never waits for a library that it does not need."""

import argparse
import math
from pathlib import Path

from searcher.errors import ConfigError, RunError
from searcher.live_config import KEY_KINDS, MODES

SWITCH_HELP = "the switch's file (default: $SEARCHER_SWITCH, else ~/.local/state/searcher/switch)"
STATE_HELP = "the folder of the lanes' folders (default: $SEARCHER_STATE, else ~/.local/state/searcher)"
KEYSTORE = Path.home() / ".config" / "searcher" / "keys"


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds every command of a live node."""
    p = commands.add_parser("run", help="run lanes: trade, trade on paper, or record")
    _configs(p)
    p.add_argument("--for", dest="for_s", type=_seconds, metavar="SECONDS", help="stop by itself after so long")
    p.add_argument("--log", type=Path, metavar="FILE", help="log there, as JSON lines, instead of to stderr")
    p.set_defaults(run=run)

    p = commands.add_parser("check", help="look at a configuration, its keys, venue and host; no order is sent")
    _configs(p)
    p.set_defaults(run=check)

    p = commands.add_parser("status", help="say how the switch stands and what the lanes are doing")
    p.add_argument("--watch", action="store_true", help="renew it until Ctrl-C")
    p.add_argument("--json", action="store_true", help="as JSON")
    p.add_argument("--state", type=Path, metavar="DIR", help=STATE_HELP)
    p.add_argument("--switch", type=Path, metavar="FILE", help=SWITCH_HELP)
    p.set_defaults(run=status)

    for name, action, what in (
        ("halt", halt, "trip the switch: no lane sends anything but cancels"),
        ("flatten", flatten, "trip the switch: lanes cancel, bring their positions to zero, and halt"),
        ("resume", resume, "un-trip the switch"),
    ):
        p = commands.add_parser(name, help=what)
        p.add_argument("--reason", required=True, metavar="TEXT", help="why; it is kept with the switch")
        p.add_argument("--switch", type=Path, metavar="FILE", help=SWITCH_HELP)
        if action is not resume:
            done = "is without orders" if action is halt else "is flat"
            p.add_argument("--wait", action="store_true", help=f"until every lane {done}, and say it")
            p.add_argument("--wait-seconds", type=_seconds, default=30.0, metavar="N", help="at most so long (30)")
            p.add_argument("--state", type=Path, metavar="DIR", help=STATE_HELP)
        p.set_defaults(run=action)

    _keys(commands)

    p = commands.add_parser("demo", help="trade against a loopback exchange on this host: no network, no keys")
    p.add_argument("--folder", type=Path, default=Path("out/demo"), metavar="DIR", help="where it works (out/demo)")
    p.add_argument("--seconds", type=_seconds, metavar="N", help="end by itself (without a terminal: 60)")
    p.add_argument("--venue", choices=("binance_usdm", "binance_spot"), default="binance_usdm")
    p.add_argument("--seed", type=int, default=7, metavar="S")
    p.set_defaults(run=demo)


def _configs(p: argparse.ArgumentParser) -> None:
    p.add_argument("-c", "--config", type=Path, action="append", required=True, metavar="FILE", help="one a lane")
    p.add_argument("--mode", choices=MODES, help="instead of the configuration's [run] mode")
    p.add_argument("--switch", type=Path, metavar="FILE", help=SWITCH_HELP)


def _keys(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    p = commands.add_parser("keys", help="keep API keys in an encrypted file")
    actions = p.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, what in (
        ("add", "store an API key and its secret, which are asked for"),
        ("generate", "make an Ed25519 key and print the public half"),
        ("list", "names and kinds"),
        ("remove", "forget a key"),
    ):
        a = actions.add_parser(name, help=what)
        if name != "list":
            a.add_argument("name", metavar="NAME")
        if name == "add":
            a.add_argument("--kind", choices=KEY_KINDS, default="ed25519")
            a.add_argument("--pem", type=Path, metavar="FILE", help="read the Ed25519 private key from a file")
        a.add_argument("--keystore", type=Path, default=KEYSTORE, metavar="FILE", help=f"(default: {KEYSTORE})")
        a.add_argument("--password-env", metavar="NAME", help="environment variable that holds the password")
        a.set_defaults(run=keys)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError("must be more than zero")
    return value


def run(args: argparse.Namespace) -> int:
    """`searcher run`."""
    from searcher import daemon

    return daemon.run(args)


def check(args: argparse.Namespace) -> int:
    """`searcher check`."""
    from searcher import check

    return check.run(args)


def status(args: argparse.Namespace) -> int:
    """`searcher status`."""
    from searcher import status

    return status.run(args)


def demo(args: argparse.Namespace) -> int:
    """`searcher demo`."""
    from searcher import demo

    return demo.run(args)


def keys(args: argparse.Namespace) -> None:
    """`searcher keys`."""
    from searcher import keys

    keys.ACTIONS[args.action](args)


def halt(args: argparse.Namespace) -> int:
    """`searcher halt`."""
    from risk import killswitch

    print(killswitch.halt(_reason(args), args.switch))
    return _wait(args, flat=False)


def flatten(args: argparse.Namespace) -> int:
    """`searcher flatten`."""
    from risk import killswitch

    try:
        print(killswitch.flatten(_reason(args), args.switch))
    except ValueError as error:
        raise RunError(str(error)) from None
    return _wait(args, flat=True)


def resume(args: argparse.Namespace) -> None:
    """`searcher resume`."""
    from risk import killswitch

    try:
        print(killswitch.resume(_reason(args), args.switch))
    except ValueError as error:
        raise RunError(str(error)) from None


def _wait(args: argparse.Namespace, *, flat: bool) -> int:
    if not args.wait:
        return 0
    from searcher import status
    from searcher.live_config import state_root

    if not status.wait(args.state or state_root(), flat=flat, seconds=args.wait_seconds):
        return 1
    print("every lane is flat" if flat else "every lane is without orders")
    return 0


def _reason(args: argparse.Namespace) -> str:
    reason: str = args.reason.strip()
    if not reason:
        raise ConfigError("--reason is empty: say why, for whoever reads it next")
    return reason
