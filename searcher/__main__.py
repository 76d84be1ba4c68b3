"""The command line. A wrong argument or configuration exits with 2, a run that fails with 1; each says why on one
line."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from searcher import sim
from searcher.commands import add_parsers
from searcher.config import VENUES, Config, load, with_setting, with_strategy
from searcher.errors import ConfigError, SearcherError


def parser() -> argparse.ArgumentParser:
    """The arguments of every command."""
    top = argparse.ArgumentParser(prog="searcher", description="One engine for two markets, under one kill switch.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    p = commands.add_parser("replay", help="check a recorded day, or trade it with a strategy")
    p.add_argument("path", type=Path, metavar="PATH", help="a Tape, or a raw capture (.gz or plain)")
    p.add_argument("--strategy", metavar="module:Class|file.py:Class", help="replaces the configuration's kernel")
    p.add_argument("--config", type=Path, metavar="FILE", help="instruments, limits, simulation, kernels (TOML)")
    p.add_argument("--json", type=Path, metavar="OUT", help="write the report as JSON; - is standard output")
    p.add_argument("--html", type=Path, metavar="OUT", help="write the report as one page that needs no network")
    p.add_argument("--tape", type=Path, metavar="OUT", help="record the run on a Tape")
    p.add_argument("--set", action="append", default=[], metavar="kernel.param=value", help="change a parameter")
    p.add_argument("--salvage", action="store_true", help="replay a capture that is cut off up to the cut")
    p.add_argument("--verify", action="store_true", help="PATH is a live session's Tape: was all decided as it says?")
    p.set_defaults(run=replay)

    p = commands.add_parser("init", help="write a starter project that replays as it is")
    p.add_argument("folder", type=Path, metavar="DIR")
    p.set_defaults(run=init)

    p = commands.add_parser("generate", help="make a synthetic day, the same for the same seed")
    p.add_argument("path", type=Path, metavar="PATH", help="where to write the capture (.gz)")
    p.add_argument("--seconds", type=_positive, required=True, metavar="N")
    p.add_argument("--seed", type=int, required=True, metavar="S")
    p.add_argument("--venue", choices=VENUES, default=VENUES[0])
    p.set_defaults(run=generate)

    p = commands.add_parser("sim", help="a loopback exchange that speaks Binance's protocol")
    sim.arguments(p)
    p.set_defaults(run=sim.run)

    p = commands.add_parser("label", help="find swaps, arbitrages, sandwiches and liquidations in recorded blocks")
    p.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a block, traces and receipts (.json, .json.gz)")
    p.add_argument("--json", type=Path, metavar="OUT", help="write all that was found as JSON; - is standard output")
    p.set_defaults(run=label)

    add_parsers(commands)
    return top


def _positive(text: str) -> int:
    value = int(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be more than zero")
    return value


def replay(args: argparse.Namespace) -> int:
    """`searcher replay`."""
    if args.verify:
        from searcher import verify

        return verify.run(args)
    config = load(args.config) if args.config else Config()
    if args.strategy:
        config = with_strategy(config, args.strategy)
    for setting in args.set:
        config = with_setting(config, setting)
    from searcher import page, report
    from searcher.replay import run_with_bar

    outcome = run_with_bar(args.path, config, args.tape, salvage=args.salvage)
    if args.json == Path("-"):
        sys.stdout.write(report.as_json(outcome.report))
        return 0
    if args.json:
        args.json.write_text(report.as_json(outcome.report), encoding="utf-8")
    report.show(outcome.report)
    if args.html:
        args.html.parent.mkdir(parents=True, exist_ok=True)
        command = shlex.join(["searcher", *sys.argv[1:]])
        args.html.write_text(page.render(outcome.report, outcome.series, args.path.name, command), encoding="utf-8")
    return 0


def init(args: argparse.Namespace) -> None:
    """`searcher init`."""
    from searcher import starter

    try:
        paths = starter.write(args.folder)
    except FileExistsError as error:
        raise ConfigError(str(error)) from None
    print("\n".join(str(p) for p in paths))
    print(f"Next: searcher replay DAY.gz --config {args.folder / 'config.toml'} --html report.html")


def generate(args: argparse.Namespace) -> None:
    """`searcher generate`."""
    from searcher.generate import write_day

    args.path.parent.mkdir(parents=True, exist_ok=True)
    lines = write_day(args.path, args.seconds, args.seed, args.venue)
    print(f"{args.path}: {lines} lines, {args.seconds} s, seed {args.seed}, {args.venue}")


def label(args: argparse.Namespace) -> None:
    """`searcher label`."""
    from searcher.label import label_block, read_block
    from searcher.label import report as label_report

    found = [label_block(read_block(path)) for path in args.files]
    if args.json == Path("-"):
        sys.stdout.write(label_report.as_json(found))
        return
    if args.json:
        args.json.write_text(label_report.as_json(found), encoding="utf-8")
    label_report.show(found)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    args = parser().parse_args(argv)
    try:
        code: int | None = args.run(args)
    except SearcherError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("stopped", 130)
    except BrokenPipeError:
        return 1
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), 1)
    return code or 0


def _fail(why: str, code: int) -> int:
    print(f"searcher: {why}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
