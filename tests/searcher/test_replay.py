"""`searcher replay` from end to end: the same again and through a Tape, exact PnL, and one line for what is wrong."""

import gzip
import json
import os
import pty
import subprocess
import sys
import tomllib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from native._core import TapeReader, TapeWriter
from searcher import page, starter
from searcher.__main__ import main
from searcher.config import Config, parse
from searcher.generate import write_day
from searcher.plan import plan_json
from searcher.replay import LONG_BYTES, run
from tests.naive_book import NaiveBook, is_depth, is_snapshot, lines_of, message, recv_ns
from tests.searcher.run import config, traded

ROOT = Path(__file__).resolve().parents[2]
USDM = "binance/usdm_btcusdt_20240808.gz"
MAKER = "cex.strategies.market_maker:MarketMaker"
COSTLY = ('maker_fee_bps = "-0.5"', 'maker_fee_bps = "2"')
TOUCH = "cex.strategies.touch:JoinTouch"
TAKER = "tests.searcher.strategy_that_takes:Takes"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The starter's configuration file."""
    starter.write(tmp_path / "project")
    return tmp_path / "project" / "config.toml"


@pytest.fixture(scope="session")
def tape(synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic day on a Tape, with what the market maker did in it."""
    path = tmp_path_factory.mktemp("tape") / "day.tape"
    traded(synthetic, config(MAKER), path)
    return path


def as_json(argv: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["replay", *argv, "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    report: dict[str, Any] = json.loads(out)
    return report


def fails(argv: list[str], capsys: pytest.CaptureFixture[str], code: int = 1) -> str:
    """The one line that a failing command says."""
    capsys.readouterr()
    assert main(argv) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("searcher: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err


# The same input gives the same decisions.


def rewritten(source: Path, to: Path) -> Path:
    """A Tape with the same records in many small segments, all but the last compressed."""
    reader = TapeReader(source)
    with TapeWriter(to, reader.meta, segment_bytes=64_000) as writer:
        for r in reader:
            if r.kind not in ("meta", "end"):
                where = {"lane": r.lane, "connection": r.connection, "tag": r.tag}
                writer.append(r.kind, r.payload, time_ns=r.time_ns, **where)
    assert len(list(to.glob("*.seg.zst"))) > 3
    return to


def test_twice_and_through_a_tape_the_hash_is_the_same(
    synthetic: Path, tape: Path, project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_maker = ["--config", str(project), "--strategy", MAKER]
    first = as_json([str(synthetic), *with_maker], capsys)
    assert first["fills"] > 10
    assert as_json([str(synthetic), *with_maker], capsys)["sha256"] == first["sha256"]
    small = rewritten(tape, tmp_path / "small.tape")
    for path in (tape, small):
        again = as_json([str(path), *with_maker, "--tape", str(tmp_path / f"of-{path.name}")], capsys)
        for key in ("sha256", "fills", "pnl", "fill_log", "book", "rows", "frames", "refusals", "clock_offset_ns"):
            assert again[key] == first[key], key
    of_a_tape = as_json([str(tmp_path / "of-small.tape"), *with_maker], capsys)
    assert of_a_tape["sha256"] == first["sha256"]
    other = as_json([str(synthetic), *with_maker, "--set", "MarketMaker.gamma=0.02"], capsys)
    assert other["sha256"] != first["sha256"]


def test_a_quality_report_needs_nothing_but_the_tape(
    synthetic: Path, tape: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw, taped = as_json([str(synthetic)], capsys), as_json([str(tape)], capsys)
    assert taped["book"] == raw["book"]
    assert taped["rows"] == raw["rows"]
    assert raw["sha256"] == taped["sha256"]


def test_a_recorded_day_is_the_same_through_a_tape(recorded: Callable[[str], Path], tmp_path: Path) -> None:
    day, path = recorded(USDM), tmp_path / "day.tape"
    given = config(MAKER)
    first = traded(day, given, path)
    assert first["fills"] > 100
    assert first["switch"]["state"] == "active"
    assert traded(path, given)["sha256"] == first["sha256"]


# What it earned, exactly.


@pytest.mark.parametrize(
    ("strategy", "changes"),
    [(MAKER, ()), (TOUCH, (COSTLY,)), (TAKER, ()), (TAKER, (COSTLY,))],
    ids=["rebates", "maker fees", "rebates and fees", "fees"],
)
def test_the_pnl_is_that_of_its_fills(synthetic: Path, strategy: str, changes: tuple[tuple[str, str], ...]) -> None:
    report = traded(synthetic, config(strategy, None, *changes))
    check_pnl(report)
    assert (report["pnl"]["rebates"] == "0") == bool(changes)
    assert (report["pnl"]["fees"] == "0") == (strategy == MAKER)


def test_the_recorded_days_pnl_is_that_of_its_fills(recorded: Callable[[str], Path]) -> None:
    check_pnl(traded(recorded(USDM), config(MAKER)))


def check_pnl(report: dict[str, Any]) -> None:
    """Recomputes cash, position and every part of the PnL from the fills and the last mid, in decimals."""
    (instrument,) = report["instruments"]
    assert report["fills"] == len(report["fill_log"]) == instrument["fills"] > 10
    cash = position = fees = rebates = spread = Decimal(0)
    for fill in report["fill_log"]:
        sign = 1 if fill["side"] == "buy" else -1
        price, quantity = Decimal(fill["price"]), Decimal(fill["quantity"])
        cash -= sign * price * quantity
        position += sign * quantity
        spread += sign * (Decimal(fill["mid"]) - price) * quantity
        fee = price * quantity * Decimal(instrument["maker_fee_bps" if fill["maker"] else "taker_fee_bps"]) / 10_000
        fees += max(fee, Decimal(0))
        rebates -= min(fee, Decimal(0))
    pnl = {part: Decimal(value) for part, value in report["pnl"].items()}
    assert Decimal(instrument["position"]) == position
    mid = (Decimal(report["book"]["bid"][0]) + Decimal(report["book"]["ask"][0])) / 2
    assert (pnl["fees"], pnl["rebates"], pnl["spread"]) == (fees, rebates, spread)
    assert pnl["spread"] + pnl["drift"] == cash + position * mid
    assert pnl["total"] == pnl["spread"] + pnl["drift"] - pnl["fees"] + pnl["rebates"]
    assert instrument["pnl"] == report["pnl"]
    known = [f["markout_ticks"]["1"] for f in report["fill_log"] if f["markout_ticks"]["1"] is not None]
    second = report["markouts"][0]
    assert (second["fills"], second["fills"] + second["missing"]) == (len(known), report["fills"])
    assert abs(Decimal(second["mean_ticks"]) - sum(map(Decimal, known), Decimal(0)) / len(known)) <= Decimal("0.0001")
    assert report["receipts"] == report["frames"]["order"]
    assert report["permits"] == sum(report["messages"].values())
    assert report["intents"] == report["permits"] + report["refused"]


def test_the_counts_are_those_of_the_file(synthetic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, lines = as_json([str(synthetic)], capsys), lines_of(synthetic)
    depth = [message(line) for line in lines if is_depth(line)]
    kinds = {kind: sum(f"@{name}" in line[:60] for line in lines) for kind, name in (("quote", "bookTicker"),
             ("trade", "trade"), ("depth", "depth"))}  # fmt: skip
    assert {k: n for k, n in report["frames"].items() if n} == {**kinds, "snapshot": 1}
    assert report["rows"] == sum(len(m["b"]) + len(m["a"]) for m in depth) + kinds["trade"]


def test_a_lane_of_two_instruments(synthetic: Path, tmp_path: Path) -> None:
    # A raw capture does not say whose a snapshot is; a Tape does, in the frame's tag.
    write_day(tmp_path / "other.gz", 12, 8)
    frames = []
    for tag, (path, symbol) in enumerate(((synthetic, "BTCUSDT"), (tmp_path / "other.gz", "ETHUSDT"))):
        for line in lines_of(path):
            text = line.split(" ", 1)[1].rstrip().replace("BTCUSDT", symbol).replace("btcusdt", symbol.lower())
            kind, of = ("snapshot", tag) if is_snapshot(line) else ("market", 65535)
            frames.append((recv_ns(line), kind, of, text.encode()))
    both = tmp_path / "both.tape"
    with TapeWriter(both, plan_json(Config(venue="binance_usdm"))) as writer:
        for time_ns, kind, tag, payload in sorted(frames):
            writer.append(kind, payload, time_ns=time_ns, tag=tag)
    one = starter.CONFIG[starter.CONFIG.index("[[instrument]]") : starter.CONFIG.index("\n[limits]")]
    text = starter.CONFIG.replace(one, one + "\n" + one.replace("BTCUSDT", "ETHUSDT"))
    text = text[: text.index("[[kernel]]")] + f'[[kernel]]\nstrategy = "{MAKER}"\n'
    given = parse(tomllib.loads(text), Path())
    report = traded(both, given, tmp_path / "run.tape")
    assert [i["symbol"] for i in report["instruments"]] == ["BTCUSDT", "ETHUSDT"]
    for instrument in report["instruments"]:
        assert instrument["fills"] > 10
        assert instrument["book"]["matched"] == instrument["book"]["checked"] > 200
    for part, total in report["pnl"].items():
        assert Decimal(total) == sum(Decimal(i["pnl"][part]) for i in report["instruments"])
    assert report["book"]["checked"] == sum(i["book"]["checked"] for i in report["instruments"])
    assert traded(tmp_path / "run.tape", given)["sha256"] == report["sha256"]
    # Each instrument by itself makes the same of the first one's book.
    alone = traded(synthetic, config(MAKER))
    assert alone["book"] == report["instruments"][0]["book"]
    outcome = run(both, given)
    assert page.render(outcome.report, outcome.series, "both", "c").count('class="plotly-graph-div"') == 9


# What is wrong is said in one line.


def test_a_changed_byte_in_a_tape_is_found(synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "day.tape"
    short = tmp_path / "short"
    short.write_text("".join(lines_of(synthetic, 1_000_000_000)), encoding="utf-8")
    assert main(["replay", str(short), "--tape", str(path)]) == 0
    segment = path / "000001.seg"
    whole = segment.read_bytes()
    step = len(whole) // 80
    for at in [*range(80), *range(80, len(whole) - 100, step), *range(len(whole) - 100, len(whole))]:
        changed = bytearray(whole)
        changed[at] ^= 0x10
        segment.write_bytes(changed)
        assert "000001.seg" in fails(["replay", str(path)], capsys), at
    segment.write_bytes(whole)
    assert main(["replay", str(path)]) == 0


def test_a_capture_that_is_cut_off(
    synthetic: Path, tmp_path: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, packed = lines_of(synthetic), synthetic.read_bytes()
    torn, cut = tmp_path / "torn", tmp_path / "cut.gz"
    torn.write_text("".join(lines)[:-30], encoding="utf-8")
    cut.write_bytes(packed[: len(packed) * 2 // 3])
    for path in (torn, cut):
        for options in ([], ["--config", str(project)]):
            said = fails(["replay", str(path), *options], capsys)
            assert f"{path}: cut off after " in said
            assert "--salvage" in said
            whole = int(said.partition("cut off after ")[2].split()[0])
            report = as_json([str(path), "--salvage", *options], capsys)
            assert report["notice"] == f"the capture is cut off after {whole} whole lines"
            market = ("depth", "quote", "trade", "snapshot")
            assert sum(report["frames"][kind] for kind in market) == whole
            naive = NaiveBook(futures=True)
            for kept in lines[:whole]:
                naive.feed(kept)
            bid, ask = report["book"]["bid"], report["book"]["ask"]
            assert (tuple(map(Decimal, bid)), tuple(map(Decimal, ask))) == naive.top()
    assert int(fails(["replay", str(torn)], capsys).partition("cut off after ")[2].split()[0]) == len(lines) - 1
    # What is whole needs no salvage, and is the same with it.
    assert as_json([str(synthetic), "--salvage"], capsys)["notice"] is None
    assert main(["replay", str(torn), "--salvage"]) == 0
    assert capsys.readouterr().out.startswith("Notice: the capture is cut off after")


def written(path: Path, data: bytes | str) -> str:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return str(path)


def test_what_is_no_recording(tmp_path: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trade = '{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"T":1,"s":"BTCUSDT","t":1,"p":"1","q":"1","m":true}}'
    (tmp_path / "folder").mkdir()
    cases = [
        (str(tmp_path / "nowhere.gz"), "there is no such capture or Tape"),
        (str(tmp_path / "folder"), "no segments here; give a NAME.tape directory"),
        (written(tmp_path / "empty.gz", b""), "no depth updates of a known venue"),
        (written(tmp_path / "hollow.gz", gzip.compress(b"")), "no depth updates of a known venue"),
        (written(tmp_path / "notes.txt", "one\ntwo\n"), "line 1 is not '<receive_ns> <message>'"),
        (written(tmp_path / "later", f"1 {trade}\n-2 {trade}\n"), "line 2 is not '<receive_ns> <message>'"),
        (written(tmp_path / "picture.png", b"\x89PNG\r\n\x1a\n\x00\x00"), "line 1 is not"),
        (written(tmp_path / "trades", f"1 {trade}\n"), "no depth updates of a known venue"),
        (written(tmp_path / "broken.gz", b"\x1f\x8b\x08\x00nonsense, and more of it"), "broken.gz"),
        (written(tmp_path / "lone.seg", b"\x89TAPE nothing else"), "lone.seg"),
    ]
    for path, said in cases:
        line = fails(["replay", path], capsys)
        assert said in line
        assert line.count(path) == 1
    # With instruments from a configuration too, silence is not a result.
    other = written(tmp_path / "other", f"1 {trade.replace('btc', 'eth').replace('BTC', 'ETH')}\n")
    for path in (str(tmp_path / "empty.gz"), other):
        assert "nothing about BTCUSDT in it" in fails(["replay", path, "--config", str(project)], capsys)


def test_a_configuration_or_strategy_that_does_not_do(
    synthetic: Path, tmp_path: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day, whole = str(synthetic), project.read_text(encoding="utf-8")
    says = fails(["replay", day, "--strategy", MAKER], capsys, 2)
    assert "limits are missing" in says
    assert "searcher init DIR" in says
    for old, new, said in (
        ("max_drawdown_bps", "max_drawdwn_bps", "limits.max_drawdown_bps is missing"),
        ("reject_window = 100", "reject_window = 100\nreject_windw = 1", "unknown key limits.reject_windw"),
        ("tick =", "tck =", "instrument[0].tick is missing"),
        ("price_collar_bps = 100", "", "instrument[0].limits.price_collar_bps is missing"),
        ("[features]", "[features", "is not TOML"),
    ):
        project.write_text(whole.replace(old, new), encoding="utf-8")
        line = fails(["replay", day, "--config", str(project)], capsys, 2)
        assert said in line
        assert str(project) in line
    project.write_text(whole, encoding="utf-8")
    strategy = tmp_path / "mine.py"
    body = "from native import Out, View, bid, strategy\n\n\n@strategy\nclass Mine:\n"
    for text, said in (
        (f"{body}    def on_book(self, view: View, out: Out) -> None:\n        bid(out, undefined, 1)\n", ":7"),
        (f"{body}    def on_book(self, view: View, out: Out) -> None:\n        bid(out, view.bidpx, 1)\n", "bid_px"),
        (f"{body}    def on_bok(self, view: View, out: Out) -> None:\n        pass\n", "did you mean 'on_book'"),
        ("class Mine(:\n", "mine.py"),
        ("import nowhere_to_be_found\n", "nowhere_to_be_found"),
        ("x = 1\n", "Mine"),
    ):
        strategy.write_text(text, encoding="utf-8")
        line = fails(["replay", day, "--config", str(project), "--strategy", f"{strategy}:Mine"], capsys)
        assert said in line
        assert "mine.py" in line
    for spec, said in (("no.such.module:X", "no.such"), ("cex.strategies.market_maker:Nobody", "Nobody")):
        assert said in fails(["replay", day, "--config", str(project), "--strategy", spec], capsys)
    for setting, said in (("kernel.gama=1", "gama"), ("kernel.gamma=-1", "gamma must be > 0.0")):
        argv = ["replay", day, "--config", str(project), "--strategy", MAKER, "--set", setting]
        assert said in fails(argv, capsys)


def test_a_tape_is_never_written_over(
    synthetic: Path, tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (tape / "000001.seg").read_bytes()
    line = fails(["replay", str(synthetic), "--tape", str(tape)], capsys)
    assert f"{tape}: there is something already" in line
    assert (tape / "000001.seg").read_bytes() == before
    assert "ends in .tape" in fails(["replay", str(synthetic), "--tape", str(tmp_path / "run")], capsys)


def test_the_plan_says_whether_to_salvage() -> None:
    assert json.loads(plan_json(Config()))["salvage"] is False
    assert json.loads(plan_json(Config(), salvage=True))["salvage"] is True


# The progress bar.


def command(*argv: str) -> list[str]:
    return [sys.executable, "-m", "searcher", *argv]


@pytest.fixture(scope="session")
def long_day(synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic day unpacked: long enough for a bar."""
    path = tmp_path_factory.mktemp("long") / "day"
    lines = lines_of(synthetic)
    padding = f"1 {json.dumps({'stream': 'other', 'data': 'x' * 1000})}\n"
    path.write_text("".join(lines) + padding * 1000, encoding="utf-8")
    assert path.stat().st_size > LONG_BYTES
    return path


def test_no_bar_where_stderr_is_no_terminal(long_day: Path) -> None:
    done = subprocess.run(command("replay", str(long_day)), cwd=ROOT, capture_output=True, check=True, timeout=60)
    assert done.stderr == b""
    assert done.stdout.startswith(b"Quality of the data")


def test_a_bar_on_a_terminal_and_nothing_of_it_in_the_report(long_day: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    argv = command("replay", str(long_day), "--json", "-")
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=theirs, env=environment) as run:
        os.close(theirs)
        out, _ = run.communicate(timeout=60)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break  # the other end is closed and all is read
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert run.returncode == 0
    assert b"day" in shown
    assert json.loads(out)["frames"]["ignored"] == 1000


def test_feed_latency_is_as_recorded_or_constant(synthetic: Path) -> None:
    """The exchange sees what the lane sees, so much earlier: receipts of the same fills move with it."""
    recorded = traded(synthetic, config(TOUCH))
    assert recorded["simulation"]["feed_latency_ns"] is None
    late = [
        traded(synthetic, config(TOUCH, None, ("[[kernel]]", f"feed_latency_us = {us}\n\n[[kernel]]")))
        for us in (0, 0, 40_000)
    ]
    assert [r["simulation"]["feed_latency_ns"] for r in late] == [0, 0, 40_000_000]
    assert late[0]["sha256"] == late[1]["sha256"] != late[2]["sha256"]
    assert all(r["frames"]["depth"] == recorded["frames"]["depth"] for r in late)
    assert late[2]["fills"] > 0
