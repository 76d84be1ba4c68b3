"""`searcher check`: everything that can be known before a lane starts, without sending an order."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from searcher import findings as f
from searcher import host
from searcher.config import Config, load
from searcher.errors import ConfigError, SearcherError
from searcher.findings import Finding, Level, exit_code
from searcher.live_plan import compile_kernels, for_mode
from searcher.preflight import examine

if TYPE_CHECKING:
    from cex.venues.binance_auth import Credentials

COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.WRONG: "red", Level.CONFIG: "red"}


def check(path: Path, mode: str | None, switch: Path | None) -> list[Finding]:
    """Looks at a configuration and everything that it depends on. Raises nothing that a person can mend."""
    try:
        config = load(path)
        chosen = mode or config.live.run.mode
        config = for_mode(config, chosen)
    except ConfigError as error:
        return [f.config("configuration", str(error), "correct it and check again")]
    found = [f.ok("configuration", f"{path}: mode {chosen}, lane {config.live.name} (number {config.live.number})")]
    found.append(_compiles(config))
    keys, about_keys = credentials(config, chosen)
    found += about_keys
    found += examine(config, keys).findings
    connection = config.live.connection
    found += host.findings(connection.cpu, connection.poll, config.live.state_folder)
    return [*found, _switch(switch)]


def credentials(config: Config, mode: str) -> "tuple[Credentials | None, list[Finding]]":
    """The keys of a mode that needs them, and what is to be said about them."""
    if mode != "live" or config.live.keys is None:
        return None, []
    from searcher.keys import load_credentials

    try:
        keys = load_credentials(config.live.keys)
    except SearcherError as error:
        return None, [f.wrong("keys", str(error), "without keys a live lane does not start")]
    if keys.kind == "hmac":
        return keys, [
            f.warning("keys", "HMAC: whoever reads the secret can sign", "prefer Ed25519: `searcher keys generate`")
        ]
    return keys, [f.ok("keys", "present, Ed25519")]


def _compiles(config: Config) -> Finding:
    try:
        compiled, _ = compile_kernels(config)
    except SearcherError as error:
        return f.config("strategy", str(error), "correct it")
    names = ", ".join(k.name for k in compiled)
    return f.ok("strategy", f"{names} compiles" if names else "none: this mode runs no kernels")


def _switch(path: Path | None) -> Finding:
    from risk.killswitch import KillSwitch, default_path

    path = path or default_path()
    if not path.exists():
        return f.ok("switch", f"{path}: not there yet; it is made active at the first start")
    try:
        switch = KillSwitch(path)
    except OSError as error:
        return f.wrong("switch", str(error), "make it readable and writable")
    if switch.state == "active":
        return f.ok("switch", f"{path}: active")
    why = f" ({switch.reason.cause}: {switch.reason.text})" if switch.reason else ""
    said = f"{path}: {switch.state}{why}"
    return f.wrong("switch", said, 'find out why, then `searcher resume --reason "..."`')


def show(found: list[Finding]) -> None:
    """The findings as a table on standard output."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("", "what", "is", "to do", box=None, pad_edge=False)
    for finding in found:
        level = Text(finding.level.value[1], style=COLOURS[finding.level])
        table.add_row(level, finding.about, finding.said, finding.todo)
    console = Console()
    if console.is_terminal:
        console.print(table)
        return
    for finding in found:  # a pipe gets one whole line a finding
        print(f"{finding.level.value[1]}\t{finding.line()}")


def run(args: argparse.Namespace) -> int:
    """`searcher check`; returns its exit code."""
    code = 0
    for path in args.config:
        found = check(path, args.mode, args.switch)
        show(found)
        code = max(code, exit_code(found))
    return code
