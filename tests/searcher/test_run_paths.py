"""`searcher run` against `searcher sim`, each a process: the ways through the daemon that the demo does not take."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from searcher.demo_truth import compare
from searcher.verify import verify
from tests.chaos.harness import ROOT, Lab, lab, until

MAKER = "cex.strategies.market_maker:MarketMaker"
MAKES = "order_lots = 5, max_position_lots = 25, levels = 2"
FLAT = {"on_stop": "flatten"}


def change(made: Lab, *changes: tuple[str, str], to: str = "config.toml") -> Path:
    """Writes the configuration again with replacements in its text, perhaps as another file."""
    text = (made.folder / "config.toml").read_text()
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (made.folder / to).write_text(text)
    return made.folder / to


def command(made: Lab, *argv: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    """`searcher` with this session's environment, and something on its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "searcher", *argv],
        env=made.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        input=given,
    )


def filled(status: dict[str, Any], least: int = 3) -> bool:
    return sum(int(i["fills"]) for i in status["instruments"]) >= least


def accepted(made: Lab) -> list[dict[str, Any]]:
    return [line for line in made.exchange.log() if line["what"] == "accepted"]


def events(made: Lab) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (made.folder / "daemon.jsonl").read_text().splitlines()]


def trades_and_ends_flat(made: Lab, happened: Callable[[dict[str, Any]], Any] = filled) -> dict[str, Any]:
    """Runs until there are fills, stops, and holds everything against the exchange's log; gives the last status."""
    if not made.daemons:
        made.start()
    status = made.until("there are fills", happened)
    assert made.stop() == 0, made.said()
    found = compare(made.lane, made.exchange.log_path)
    assert found.agrees, found
    found_again, notes = verify(made.tapes()[-1])
    assert found_again["agrees"], found_again
    assert found_again["ended"]
    assert notes == []
    return status


def refuses_to_start(made: Lab) -> str:
    """The one line with which the daemon does not start; nothing was accepted."""
    daemon = made.start()
    assert daemon.wait(30) in (1, 2)
    assert accepted(made) == []
    said = made.said()
    assert said.count("\n") == 1, said
    return said


@contextmanager
def signed(folder: Path, venue: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """An exchange behind TLS that knows a key `searcher keys` made, and a lane that reads it there."""
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("PATHS_PASSWORD", "correct horse")
    store = ["--keystore", str(folder / "keys"), "--password-env", "PATHS_PASSWORD"]
    keys = [sys.executable, "-m", "searcher", "keys"]
    done = subprocess.run([*keys, "generate", "main", *store], cwd=ROOT, capture_output=True, text=True, check=True)
    (folder / "public.pem").write_text(done.stdout)
    tls = ("--tls", "--state", str(folder / "exchange"), "--ed25519", str(folder / "public.pem"))
    with lab(venue, folder, *tls, **FLAT) as made:
        added = command(made, "keys", "add", "main", *store, given=made.environment["SEARCHER_SIM_KEY"] + "\n")
        assert added.returncode == 0, added.stderr
        # Only the keystore knows a way in.
        del made.environment["SEARCHER_SIM_SECRET"], made.environment["SEARCHER_SIM_KEY"]
        text = (folder / "config.toml").read_text()
        keys_toml = f'[keys]\nkeystore = "{folder / "keys"}"\nname = "main"\npassword_env = "PATHS_PASSWORD"\n'
        (folder / "config.toml").write_text(text[: text.index("[keys]")] + keys_toml)
        yield made


@pytest.mark.parametrize("venue", ["binance_spot", "binance_usdm"])
def test_over_tls_with_a_key_from_the_keystore(venue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with signed(tmp_path, venue, monkeypatch) as made:
        assert made.exchange.where["orders"].startswith("wss://")
        said = refuses_to_start(made)
        assert "certificate" in said.lower(), said
        assert "ca_file" in said, said
        change(made, ("[connection]\n", f'[connection]\nca_file = "{made.exchange.where["ca_file"]}"\n'))
        made.start()
        status = trades_and_ends_flat(made)
        assert all(c["up"] for c in status["connections"]), status["connections"]


def test_orders_over_rest(tmp_path: Path) -> None:
    with lab("binance_usdm", tmp_path, countdown='order_entry = "rest"', **FLAT) as made:
        status = trades_and_ends_flat(made)
        assert [c["name"] for c in status["connections"]] == ["market 0", "user"]


def test_busy_on_a_core_of_its_own(tmp_path: Path) -> None:
    core = max(os.sched_getaffinity(0))
    with lab("binance_usdm", tmp_path, **FLAT) as made:
        change(made, ("[connection]\n", '[connection]\npoll = "busy"\ncpu = 1000\n'))
        said = refuses_to_start(made)
        assert "cpu 1000" in said, said
        assert "choose one of them" in said, said
        change(made, ("cpu = 1000", f"cpu = {core}"))
        daemon = made.start()

        def seen(status: dict[str, Any]) -> bool:
            return filled(status) and _cores_of_the_lane(daemon.pid) == str(core)

        status = trades_and_ends_flat(made, seen)
        assert (status["clock"]["poll"], status["clock"]["cpu"]) == ("busy", core)


def _cores_of_the_lane(pid: int) -> str | None:
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == "lane 1":
            lines = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
            return lines["Cpus_allowed_list"]
    return None


def test_on_paper_nothing_reaches_the_exchange(tmp_path: Path) -> None:
    with lab("binance_usdm", tmp_path, **FLAT) as made:
        made.start("searcher", "--mode", "paper")
        status = made.until("it trades on paper", filled)
        assert status["mode"] == "paper"
        assert made.stop() == 0, made.said()
        assert made.exchange.log() == []
        assert not (made.lane / "fills.jsonl").exists(), "simulated fills are carried nowhere"
        found, _ = verify(made.tapes()[-1])
        assert found["agrees"], found


def test_what_was_recorded_can_be_checked_and_replayed(tmp_path: Path) -> None:
    with lab("binance_usdm", tmp_path) as made:
        daemon = made.start("searcher", "--mode", "record", "--for", "2")
        assert daemon.wait(40) == 0, made.said()
        assert made.exchange.log() == []
        (tape,) = made.tapes()
        found, _ = verify(tape)
        assert found["agrees"], found
        done = command(made, "replay", str(tape), "--json", str(tmp_path / "found.json"))
        assert done.returncode == 0, done.stdout + done.stderr
        book = json.loads((tmp_path / "found.json").read_text())["book"]
        assert book["checked"] > 10
        assert (book["matched"], book["gaps"], book["crossed"]) == (book["checked"], 0, 0)
        done = command(made, "replay", str(tape), "--config", str(tmp_path / "config.toml"))
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Fills" in done.stdout


def test_one_switch_stops_every_lane_of_a_daemon(tmp_path: Path) -> None:
    with lab("binance_usdm", tmp_path, "--symbols", "BTCUSDT,ETHUSDT,SOLUSDT", params="qty_lots = 5") as made:
        text = (made.folder / "config.toml").read_text()
        first, last = text.index("[[instrument]]"), text.index("\n[limits]")
        one = text[first:last]
        ether = one.replace("BTCUSDT", "ETHUSDT").replace('tick = "0.1"', 'tick = "0.01"')
        sol = one.replace("BTCUSDT", "SOLUSDT").replace('tick = "0.1"', 'tick = "0.01"')
        sol = sol.replace('lot = "0.001"', 'lot = "0.01"')
        sol = sol.replace('max_order_qty = "0.5"', 'max_order_qty = "5"').replace('_qty = "2"', '_qty = "20"')
        two = ('name = "chaos"', 'name = "other"'), ("number = 1", "number = 2"), ("/lanes/chaos", "/lanes/other")
        other = change(made, (one, sol), *two, to="other.toml")
        change(made, (one, f"{one}\n{ether}"))
        made.start("searcher", "-c", str(other))
        lanes = [tmp_path / "lanes" / name for name in ("chaos", "other")]
        made.until("each instrument trades", lambda s: all(i["fills"] > 0 for i in s["instruments"]))
        pages = json.loads(command(made, "status", "--json").stdout)["lanes"]
        assert [len(p["status"]["instruments"]) for p in pages] == [2, 1]
        done = command(made, "halt", "--reason", "prices look wrong", "--wait")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "every lane is without orders" in done.stdout
        pages = json.loads(command(made, "status", "--json").stdout)["lanes"]
        assert [(p["status"]["state"], p["status"]["open_orders"]) for p in pages] == [("halted", 0), ("halted", 0)]
        assert made.exchange.state()["open"] == []
        assert made.stop() == 0, made.said()
        for lane in lanes:
            (tape,) = (lane / "tape").glob("*.tape")
            found, _ = verify(tape)
            assert found["agrees"], found


def test_a_tape_that_cannot_be_written_ends_the_risk(tmp_path: Path) -> None:
    with lab("binance_usdm", tmp_path) as made:
        daemon = made.start()
        made.until("there are fills", filled)
        (tape,) = made.tapes()
        size = max(part.stat().st_size for part in tape.iterdir()) if tape.is_dir() else tape.stat().st_size
        # A file may not grow beyond this: to the Tape's thread as if the disk was full.
        most = max(size + 1, (made.lane / "status").stat().st_size)
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (most, most))
        status = made.until("it trips", lambda s: s["tape"]["lost"] > 0 and s["state"] != "active")
        assert (status["switch"]["cause"], status["state"]) == ("tape", "reducing"), status["switch"]
        assert made.switch.reason is not None
        assert "records are missing on its Tape (disk full or too slow?)" in made.switch.reason.text
        shown = command(made, "status")
        assert "records are missing on its Tape" in shown.stdout, shown.stdout
        until("nothing rests", lambda: made.exchange.state()["open"] == [])
        assert made.stop() == 1, "a session without a whole Tape did not end well"
        said = {line["event"]: line for line in events(made)}
        assert said["tape lost"]["level"] == said["tape not whole"]["level"] == "error"
        assert str(tape) in said["tape not whole"]["why"]
        done = command(made, "replay", "--verify", str(tape))
        assert done.returncode == 0, done.stdout + done.stderr
        assert "agree with it" in done.stdout
        assert "the session did not end in order, or has not ended: compared up to the last record" in done.stdout


def test_a_recorded_market(tmp_path: Path, recorded: Callable[[str], Path]) -> None:
    day = recorded("binance/usdm_btcusdt_20240808.gz")
    # As in the demo: with a maker's fee the market maker keeps so far away that it trades once in minutes.
    free = ("--recording", str(day), "--speed", "4", "--maker-fee", "0")
    with lab("binance_usdm", tmp_path, *free, strategy=MAKER, params=MAKES, **FLAT) as made:
        change(made, ('maker_fee_bps = "2"', 'maker_fee_bps = "0"'))
        trades_and_ends_flat(made)


@pytest.mark.parametrize(("ms", "venue"), [(30_000, "binance_spot"), (-30_000, "binance_usdm")])
def test_a_clock_that_is_wrong_from_the_start(ms: int, venue: str, tmp_path: Path) -> None:
    with lab(venue, tmp_path, recv_window_ms=5_000, **FLAT) as made:
        made.exchange.misbehave(skew_ms=ms)
        status = trades_and_ends_flat(made)
        assert abs(status["clock"]["venue_offset_ns"] - ms * 1_000_000) < 100_000_000


def test_a_venues_clock_that_leaps_ahead_is_read_again(tmp_path: Path) -> None:
    with lab("binance_usdm", tmp_path, recv_window_ms=5_000, **FLAT) as made:
        change(
            made, ("reject_rate_bps = 10000", "reject_rate_bps = 2000"), ("reject_window = 1000", "reject_window = 100")
        )
        made.start()
        # It has not asked for the time within the last second: more often it never asks.
        older = made.until("it is older", lambda s: filled(s) and s["now_ns"] - s["started_ns"] > 1_200_000_000)
        before = older["instruments"][0]["fills"]
        made.exchange.misbehave(skew_ms=30_000)
        status = trades_and_ends_flat(made, lambda s: s["instruments"][0]["fills"] >= before + 5)
        assert abs(status["clock"]["venue_offset_ns"] - 30_000_000_000) < 100_000_000
        assert status["state"] == "active"


def test_a_venues_clock_that_falls_back_looks_like_a_late_feed(tmp_path: Path) -> None:
    with lab("binance_usdm", tmp_path, recv_window_ms=5_000) as made:
        made.start()
        made.until("there are fills", filled)
        made.exchange.misbehave(skew_ms=-30_000)
        status = made.until("it halts", lambda s: s["state"] == "halted" and s["open_orders"] == 0)
        assert status["reason"]["cause"] == "feed_latency", status["reason"]
        size = made.exchange.size()
        assert made.stop() == 0, made.said()
        assert made.exchange.log_from(size) == []
        assert made.exchange.state()["open"] == []
        (said,) = [line for line in events(made) if line["event"] == "halted"]
        assert said["level"] == "warning"
        assert "above 10000 ms" in said["text"]
