"""`searcher replay --verify TAPE`: that a live session decided what its Tape says, by making the same lane again."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searcher.config import Kernel
from searcher.errors import ConfigError, RunError
from searcher.live_plan import source_sha256

if TYPE_CHECKING:
    from native import CompiledKernel


def verify(tape: Path) -> tuple[dict[str, Any], list[str]]:
    """Replays a live Tape with the strategies that its header names, and compares every decision.

    Returns what the native side found, and notes (a strategy's file that has changed since). Raises RunError where the
    Tape cannot be read, is not one of a live session, or a strategy no longer compiles.
    """
    from native import _core

    plan = header(tape)
    kernels, notes = _kernels(tape, plan.get("strategies", []))
    try:
        found: dict[str, Any] = json.loads(_core.verify_tape(str(tape), kernels))
    except (OSError, ValueError) as error:
        text = str(error)
        raise RunError(text if str(tape) in text else f"{tape}: {text}") from None
    return found, notes


def header(tape: Path) -> dict[str, Any]:
    """The live plan at the head of a Tape. Raises RunError where there is none."""
    from native._core import TapeReader

    if not tape.exists():
        raise RunError(f"{tape}: there is no such Tape")
    try:
        plan: dict[str, Any] = json.loads(TapeReader(tape).meta)
    except (OSError, ValueError) as error:
        raise RunError(f"{tape}: {error}" if str(tape) not in str(error) else str(error)) from None
    if "mode" not in plan or "strategies" not in plan:
        raise RunError(f"{tape} is not the Tape of a live session: replay it with --config instead")
    return plan


def _kernels(tape: Path, strategies: list[dict[str, Any]]) -> "tuple[list[CompiledKernel], list[str]]":
    from native import KernelError, compile_strategy, load_strategy

    compiled, notes = [], []
    for made_of in strategies:
        spec = made_of["strategy"]
        try:
            now = source_sha256(Kernel(spec))
            compiled.append(compile_strategy(load_strategy(spec), made_of["params"]))
        except (KernelError, OSError, ImportError, RunError) as error:
            raise RunError(f"{tape} was traded with {spec}, which cannot be had now: {error}") from None
        if now != made_of["source_sha256"]:
            notes.append(
                f"{spec} has changed since (sha256 {now[:12]}, then {made_of['source_sha256'][:12]}): what follows is "
                "what the new one decides"
            )
    return compiled, notes


def run(args: argparse.Namespace) -> int:
    """`searcher replay --verify`; 0 where the Tape and the replay agree in everything, else 1."""
    for name in ("strategy", "config", "html", "tape"):
        if getattr(args, name) is not None:
            raise ConfigError(f"--{name} does not go with --verify: the Tape says what ran")
    found, notes = verify(args.path)
    if args.json is not None:
        text = json.dumps(found | {"notes": notes}, indent=2) + "\n"
        if args.json == Path("-"):
            print(text, end="")
            return 0 if found["agrees"] else 1
        args.json.write_text(text, encoding="utf-8")
    for note in notes:
        print(f"note: {note}")
    for line in words(args.path, found):
        print(line)
    return 0 if found["agrees"] else 1


def words(tape: Path, found: dict[str, Any]) -> list[str]:
    """What was found, a line each."""
    verdict = "agree with it" if found["agrees"] else "do NOT agree with it"
    lines = [f"{tape}: {found['compared']} decisions over {found['frames']} frames {verdict}; sha256 {found['sha256']}"]
    if found["difference"] is not None:
        lines.append(f"the first difference: {json.dumps(found['difference'])}")
    if found["lost"]:
        lines.append(f"{found['lost']} records were lost when it was written: what was decided after them is not known")
    if found["torn"] is not None:
        lines.append(f"its tail is torn: {found['torn']}")
    if not found["ended"]:
        lines.append("the session did not end in order, or has not ended: compared up to the last record")
    return lines
