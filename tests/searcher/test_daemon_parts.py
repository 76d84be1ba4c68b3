"""What the daemon is made of, as far as it needs no exchange: which lanes may run together, the lock, the log."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from searcher.daemon import Ending, read
from searcher.errors import ConfigError, RunError
from searcher.logs import say, set_up
from searcher.starter import CONFIG
from searcher.state import PAGE, StateLock, lanes


def written(path: Path, *changes: tuple[str, str]) -> Path:
    text = CONFIG
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text)
    return path


def test_lanes_that_run_together_differ(tmp_path: Path) -> None:
    one = written(tmp_path / "one.toml", ("[lane]", '[lane]\nname = "one"\nnumber = 1'))
    two = written(tmp_path / "two.toml", ("[lane]", '[lane]\nname = "two"\nnumber = 2'))
    assert [c.live.name for c, _ in read([one, two], "paper")] == ["one", "two"]
    assert [mode for _, mode in read([one, two], None)] == ["paper", "paper"], "the configuration's own"
    for changes, said in (
        (('[lane]\nname = "one"\nnumber = 2',), "lane.name = one"),
        (('[lane]\nname = "two"\nnumber = 1',), "lane.number = 1"),
    ):
        written(two, ("[lane]", changes[0]))
        with pytest.raises(ConfigError, match=f"two configurations have {said}: each lane needs its own"):
            read([one, two], "paper")
    state = tmp_path / "state"
    written(one, ("[lane]", f'[lane]\nname = "one"\nnumber = 1\nstate = "{state}"'))
    written(two, ("[lane]", f'[lane]\nname = "two"\nnumber = 2\nstate = "{state}"'))
    with pytest.raises(ConfigError, match=r"two configurations have lane\.state"):
        read([one, two], "paper")


def test_a_mode_that_lacks_something_names_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "one.toml")
    with pytest.raises(ConfigError, match=r"one\.toml: \[keys\] is missing"):
        read([path], "live")


def test_one_daemon_a_lane(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "lane"
    held = StateLock(folder)
    with pytest.raises(RunError, match=f"in use by pid {os.getpid()}: one daemon a lane"):
        StateLock(folder)
    held.release()
    StateLock(folder).release()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_killed_daemon_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from searcher.state import StateLock;"
        f"lock = StateLock(Path({str(tmp_path / 'lane')!r})); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == -9
    StateLock(tmp_path / "lane").release()


def test_folders_of_lanes_are_those_with_a_page(tmp_path: Path) -> None:
    assert lanes(tmp_path / "none") == []
    for name in ("b", "a", "empty"):
        (tmp_path / name).mkdir()
    for name in ("b", "a"):
        (tmp_path / name / PAGE).touch()
    assert [p.name for p in lanes(tmp_path)] == ["a", "b"]


def test_what_is_left_is_said_in_words() -> None:
    order = {"symbol": "BTCUSDT", "order": 7, "side": "buy", "price": "9.5", "quantity": "0.01", "state": "open"}
    flat: dict[str, Any] = {"ended": "stopped", "orders": [], "positions": {"BTCUSDT": "0.000"}, "fills": 3}
    assert not Ending.of(flat, "flatten").is_bad
    held = Ending.of(flat | {"positions": {"BTCUSDT": "-0.003"}}, "cancel")
    assert (held.is_bad, held.left, held.held) == (False, [], ["BTCUSDT: a position of -0.003"])
    assert Ending.of(flat | {"positions": {"BTCUSDT": "-0.003"}}, "flatten").left == ["BTCUSDT: a position of -0.003"]
    with_order = Ending.of(flat | {"orders": [order]}, "cancel")
    assert (with_order.is_bad, with_order.left) == (True, ["BTCUSDT: buy 0.01 at 9.5 (open)"])
    assert Ending.of({"ended": "panic", "left": "unknown: ask the venue"}, "cancel").left == ["unknown: ask the venue"]
    assert Ending.of(flat | {"ended": "stuck"}, "cancel").is_bad


def test_the_log_is_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "new" / "daemon.jsonl"
    set_up(path)
    say(logging.INFO, "lane started", lane="one", clock_offset_ns=-5)
    say(logging.WARNING, "odd", event="mine")
    try:
        raise ValueError("of a test")
    except ValueError:
        logging.getLogger("searcher").exception("crash")
    first, second, third = (json.loads(line) for line in path.read_text().splitlines())
    assert (first["level"], first["event"], first["lane"], first["clock_offset_ns"]) == (
        "info",
        "lane started",
        "one",
        -5,
    )
    assert first["time"].endswith("Z")
    assert (second["event"], second["event_"]) == ("odd", "mine")
    assert "ValueError: of a test" in third["traceback"]
