"""The daemon on real sockets against the loopback exchange: it trades, is seen, is stopped, is killed, comes back."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from native._core import TapeReader, TapeWriter
from searcher.__main__ import main
from searcher.demo import config_toml, exchange
from searcher.demo_truth import Comparison, compare

ROOT = Path(__file__).resolve().parents[2]


class Session:
    """A folder, an exchange, and the environment that both processes share."""

    def __init__(self, folder: Path, where: dict[str, str], environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment
        self.config, self.lane, self.switch = folder / "config.toml", folder / "lanes" / "demo", folder / "switch"
        self.config.write_text(config_toml("binance_usdm", where, folder))

    @contextmanager
    def daemon(self, *extra: str) -> Iterator["subprocess.Popen[str]"]:
        """`searcher run` with this session's lane; killed if it is still there at the end."""
        log = self.folder / "daemon.jsonl"
        command = [sys.executable, "-m", "searcher", "run", "-c", str(self.config), "--log", str(log), *extra]
        process = subprocess.Popen(command, env=self.environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def status(self) -> dict[str, Any]:
        done = self.command("status", "--json")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def command(self, *argv: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "searcher", *argv],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def until(self, what: Callable[[dict[str, Any]], bool], seconds: float = 20.0) -> dict[str, Any]:
        """The lane's page, once it is as wished."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            lanes = self.status()["lanes"]
            if lanes and lanes[0]["status"] and what(lanes[0]):
                found: dict[str, Any] = lanes[0]
                return found
        raise AssertionError(f"it did not come to that within {seconds} s: {self.status()}")

    def compared(self) -> Comparison:
        return compare(self.lane, self.folder / "exchange.jsonl")

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "daemon.jsonl").read_text().splitlines()]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SEARCHER_SIM_KEY": "test-key",
        "SEARCHER_SIM_SECRET": "test-secret-that-is-nowhere",
        "SEARCHER_STATE": str(tmp_path / "lanes"),
        "SEARCHER_SWITCH": str(tmp_path / "switch"),
    }
    with exchange("binance_usdm", 7, tmp_path, environment) as where:
        yield Session(tmp_path, where, environment)


def trading(page: dict[str, Any]) -> bool:
    return bool(page["health"] == "running" and page["status"]["instruments"][0]["fills"] >= 3)


def test_a_lane_trades_is_seen_and_ends_flat(session: Session) -> None:
    with session.daemon() as daemon:
        page = session.until(trading)
        assert (page["lane"], page["status"]["mode"], page["status"]["state"]) == ("demo", "live", "active")
        assert {c["name"]: c["up"] for c in page["status"]["connections"]} == {
            "market 0": True,
            "orders": True,
            "user": True,
        }
        shown = session.command("status")
        assert shown.returncode == 0
        assert "Lane demo running" in shown.stdout
        assert "BTCUSDT" in shown.stdout
        second = session.command("run", "-c", str(session.config))
        assert second.returncode == 1
        assert f"is in use by pid {daemon.pid}: one daemon a lane" in second.stderr
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
    found = session.compared()
    assert found.agrees, found
    events = [line["event"] for line in session.log()]
    assert events.index("lane started") < events.index("lane stopping") < events.index("lane stopped")
    for path in session.folder.rglob("*"):
        if path.is_file() and path.suffix != ".zst":
            assert b"test-secret-that-is-nowhere" not in path.read_bytes(), path
    assert session.status()["lanes"][0]["health"] == "stopped"


def rewritten(tape: Path, copy: Path, sha256: str, *, without_a: str | None = None) -> Path:
    """A Tape with another source in its header, and without the tenth record of a kind."""
    reader = TapeReader(tape)
    meta = json.loads(reader.meta)
    meta["strategies"][0]["source_sha256"] = sha256
    seen = 0
    with TapeWriter(copy, json.dumps(meta)) as writer:
        for r in reader:
            seen += r.kind == without_a
            if r.kind in ("meta", "end") or (r.kind == without_a and seen == 10):
                continue
            writer.append(r.kind, r.payload, time_ns=r.time_ns, lane=r.lane, connection=r.connection, tag=r.tag)
    assert without_a is None or seen >= 10
    return copy


def test_a_session_decided_what_its_tape_says(session: Session) -> None:
    with session.daemon("--for", "5") as daemon:
        assert daemon.wait(40) == 0
    (tape,) = (session.lane / "tape").glob("*.tape")
    done = session.command("replay", "--verify", str(tape))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "agree with it; sha256 " in done.stdout
    copy = rewritten(tape, session.folder / "changed.tape", "0" * 64)
    done = session.command("replay", "--verify", str(copy))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "note: cex.strategies.market_maker:MarketMaker has changed since" in done.stdout
    copy = rewritten(tape, session.folder / "short.tape", "0" * 64, without_a="permit")
    done = session.command("replay", "--verify", str(copy))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "do NOT agree with it" in done.stdout
    assert "the first difference: " in done.stdout
    found = session.command("replay", "--verify", str(copy), "--json", "-")
    assert json.loads(found.stdout)["agrees"] is False


def test_only_a_live_sessions_tape_can_be_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with TapeWriter(tmp_path / "other.tape"):
        pass
    assert main(["replay", "--verify", str(tmp_path / "other.tape")]) == 1
    assert "is not the Tape of a live session" in capsys.readouterr().err
    assert main(["replay", "--verify", str(tmp_path / "none.tape")]) == 1
    assert "there is no such Tape" in capsys.readouterr().err
    assert main(["replay", "--verify", str(tmp_path), "--config", "x.toml"]) == 2


def test_a_halt_takes_every_order_away(session: Session) -> None:
    with session.daemon():
        session.until(lambda page: trading(page) and page["status"]["open_orders"] > 0)
        done = session.command("halt", "--reason", "prices look wrong", "--wait")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "every lane is without orders" in done.stdout
        status = session.status()
        assert status["switch"]["reason"]["text"] == "prices look wrong"
        assert status["lanes"][0]["status"]["state"] == "halted"


def test_flatten_brings_the_position_to_zero(session: Session) -> None:
    with session.daemon():
        session.until(lambda page: trading(page) and float(page["status"]["instruments"][0]["position"]) != 0)
        done = session.command("flatten", "--reason", "end of the trial", "--wait")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "every lane is flat" in done.stdout
        assert session.status()["switch"]["reason"]["cause"] == "flatten"


def test_a_killed_daemon_is_said_to_be_dead_and_comes_back_with_everything(session: Session) -> None:
    with session.daemon() as daemon:
        session.until(lambda page: trading(page) and page["status"]["open_orders"] > 0)
        daemon.kill()
        daemon.wait()
    dead = session.command("status")
    assert dead.returncode == 1
    assert "Lane demo dead" in dead.stdout
    assert "taken over at its next start" in dead.stdout
    with session.daemon() as daemon:
        session.until(lambda page: page["status"]["pid"] == daemon.pid and trading(page))
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
    found = session.compared()
    assert found.agrees, found


def test_a_session_ends_by_itself(session: Session) -> None:
    with session.daemon("--for", "3") as daemon:
        assert daemon.wait(40) == 0
    assert session.compared().agrees


def test_what_forbids_a_start_is_said_in_one_line(session: Session) -> None:
    text = session.config.read_text()
    session.config.write_text(text.replace('tick = "0.1"', 'tick = "0.5"'))
    done = session.command("run", "-c", str(session.config), "--log", str(session.folder / "log"))
    assert done.returncode == 2
    assert done.stderr == (
        'searcher: demo does not start: BTCUSDT: tick is "0.5" here and "0.1" at the venue; write tick = "0.1"\n'
    )


def test_the_demo_ends_flat_by_itself(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--folder", str(tmp_path / "demo"), "--seconds", "6"]) == 0, capfd.readouterr()
    assert "It ended flat, and the exchange agrees." in capfd.readouterr().out
