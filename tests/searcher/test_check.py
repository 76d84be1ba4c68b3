"""`searcher check` against real sockets: what it finds, what it says to do, and its exit code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cex.venues.binance_client import ClockReading
from risk.killswitch import KillSwitch
from searcher import host
from searcher.__main__ import main
from searcher.check import check
from searcher.findings import Finding, Level, exit_code
from searcher.starter import STRATEGY, TRADED
from tests.searcher.venue_stub import API_KEY, RIGHTS, SECRET, Stub, info, serving


@pytest.fixture(scope="module")
def _server() -> Iterator[Stub]:
    with serving() as stub:
        yield stub


@pytest.fixture
def venue(_server: Stub, monkeypatch: pytest.MonkeyPatch) -> Stub:
    monkeypatch.setattr(_server, "answers", dict(_server.answers))
    monkeypatch.setattr(_server, "clock_ahead_ms", 0)
    _server.asked.clear()
    return _server


@pytest.fixture
def config(venue: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("K", API_KEY)
    monkeypatch.setenv("S", SECRET)
    path = tmp_path / "config.toml"
    keys = '[keys]\nkey_kind = "hmac"\napi_key_env = "K"\nsecret_env = "S"\n'
    lane = f'[lane]\nstate = "{tmp_path / "state"}"'
    text = TRADED.replace("[lane]", lane) + f'\n[run]\nmode = "live"\n[venue]\nrest = "{venue.url}"\n{keys}'
    path.write_text(text)
    (tmp_path / "strategy.py").write_text(STRATEGY)
    return path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new))


def checked(config: Path) -> list[Finding]:
    return check(config, None, config.parent / "switch")


def bad(found: list[Finding]) -> list[str]:
    return [f.line() for f in found if f.level.exit_code]


def test_a_sound_node_is_said_to_be(config: Path, venue: Stub) -> None:
    found = checked(config)
    assert bad(found) == []
    assert exit_code(found) == 0
    about = {f.about: f.said for f in found if f.level is Level.OK}
    assert about["strategy"] == "JoinTouch compiles"
    assert about["account"] == "one-way mode"
    assert about["key"].startswith("reads and trades futures, cannot withdraw")
    assert about["BTCUSDT"] == "tick 0.1, lot 0.001 and limits as the venue has them"
    assert about["BTCUSDT fees"].startswith("maker -0.5 and taker 5 bps")
    assert about["order rate"] == "50 a second fit 1000 in 10 s"
    assert "against the venue, round trip" in about["clock"]
    assert {line.split()[0] for line in venue.asked} == {"GET"}, "nothing but questions"


def test_nothing_that_is_printed_is_secret(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-c", str(config), "--switch", str(config.parent / "switch")]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") >= 10
    assert "ok\tconfiguration: " in out
    for word in (API_KEY, SECRET):
        assert word not in out + err


@pytest.mark.parametrize(
    ("change_rights", "said"),
    [
        ({"enableWithdrawals": True}, "key: it may withdraw; take the right to withdraw from it"),
        ({"enableWithdrawals": None}, "key: it may withdraw"),
        ({"enableFutures": False}, "key: it may not trade futures (enableFutures)"),
        ({"enableReading": False}, "key: it may not read"),
    ],
)
def test_a_key_that_may_do_too_much_or_too_little(
    config: Path, venue: Stub, change_rights: dict[str, Any], said: str
) -> None:
    venue.answers["/sapi/v1/account/apiRestrictions"] = RIGHTS | change_rights
    found = checked(config)
    assert any(line.startswith(said) for line in bad(found)), bad(found)
    assert exit_code(found) == 1


def test_a_key_for_every_address_is_a_warning(config: Path, venue: Stub) -> None:
    venue.answers["/sapi/v1/account/apiRestrictions"] = RIGHTS | {"ipRestrict": False}
    found = checked(config)
    assert bad(found) == []
    assert ("key", "it works from every address") in [(f.about, f.said) for f in found if f.level is Level.WARNING]


def test_a_key_that_is_not_the_venues(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S", "another-secret")
    (line,) = bad(checked(config))
    assert "code -1022: Signature for this request is not valid." in line
    assert "another-secret" not in line
    assert "signature=" not in line
    monkeypatch.delenv("K")
    (line,) = bad(checked(config))
    assert line.startswith("keys: keys.api_key_env: the environment variable K is not set")


def test_rights_that_nobody_says(config: Path, venue: Stub) -> None:
    del venue.answers["/sapi/v1/account/apiRestrictions"]
    assert bad(checked(config)) == [], "an exchange on this host may not have it"
    venue.answers["/sapi/v1/account/apiRestrictions"] = (503, {"code": -1000, "msg": "busy"})
    (line,) = bad(checked(config))
    assert "a lane does not start with a key that might withdraw" in line


def test_hedge_mode_is_refused(config: Path, venue: Stub) -> None:
    venue.answers["/fapi/v1/positionSide/dual"] = {"dualSidePosition": True}
    assert bad(checked(config)) == ["account: it is in hedge mode; set it to one-way mode: a lane has one position"]


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"PRICE_FILTER": {"tickSize": "0.01"}}, 'tick is "0.1" here and "0.01" at the venue; write tick = "0.01"'),
        ({"LOT_SIZE": {"stepSize": "0.01"}}, 'lot is "0.001" here and "0.01" at the venue; write lot = "0.01"'),
        ({"LOT_SIZE": {"stepSize": "0.001", "maxQty": "0.02"}}, "max_order_qty = 0.05 is above the venue's largest"),
        ({"LOT_SIZE": {"stepSize": "0.001", "minQty": "0.1"}}, "max_order_qty = 0.05 is below the venue's smallest"),
        ({"MIN_NOTIONAL": {"notional": "6000"}}, "max_order_notional = 5000 is below the venue's least notional, 6000"),
        ({"MAX_NUM_ORDERS": {"limit": 5}}, "max_open_orders = 10 is above the venue's most open orders"),
        (
            {"PERCENT_PRICE": {"multiplierUp": "1.005", "multiplierDown": "0.95"}},
            "price_collar_bps = 100 is above the venue's furthest price (PERCENT_PRICE), in basis points, 50",
        ),
    ],
)
def test_instruments_are_as_the_venue_has_them(
    config: Path, venue: Stub, filters: dict[str, dict[str, Any]], said: str
) -> None:
    venue.answers["/fapi/v1/exchangeInfo"] = info(**filters)
    found = checked(config)
    assert any(said in line for line in bad(found)), bad(found)
    assert exit_code(found) == 2


def test_an_instrument_that_is_not_listed_or_not_trading(config: Path, venue: Stub) -> None:
    known = info()
    known["symbols"][0]["status"] = "SETTLING"
    venue.answers["/fapi/v1/exchangeInfo"] = known
    assert bad(checked(config)) == ["BTCUSDT: the venue says SETTLING, not TRADING; wait, or trade another"]
    venue.answers["/fapi/v1/exchangeInfo"] = {"symbols": [], "rateLimits": []}
    assert bad(checked(config)) == ["BTCUSDT: the venue does not list it; change instrument[0].symbol"]


def test_fees_that_are_written_too_low(config: Path, venue: Stub) -> None:
    venue.answers["/fapi/v1/commissionRate"] = {"makerCommissionRate": "0.0002", "takerCommissionRate": "0.0005"}
    (line,) = bad(checked(config))
    assert line == (
        'BTCUSDT fees: maker -0.5 bps is written and 2 is taken; write maker_fee_bps = "2" at instrument[0]'
    )


def test_more_orders_than_the_venue_takes_is_a_warning(config: Path) -> None:
    change(config, "max_orders_per_second = 50", "max_orders_per_second = 200")
    found = checked(config)
    assert bad(found) == []
    assert any("adds up to 200, the venue takes 1000 in 10 s" in f.said for f in found if f.level is Level.WARNING)


def test_a_clock_that_is_off(config: Path, venue: Stub) -> None:
    venue.clock_ahead_ms = 700
    (clock,) = [f for f in checked(config) if f.about == "clock"]
    offset_ms = float(clock.said.split()[0])
    assert abs(offset_ms + 700) < 2
    assert clock.level is Level.OK, "on this host it does not stop a lane"
    change(config, 'clock_offset = "auto"', "clock_offset = 0")
    (clock,) = [f for f in checked(config) if f.about == "clock"]
    assert (clock.level, clock.todo) == (Level.WARNING, 'write clock_offset = "auto"')


def test_many_samples_bound_the_clock_better_than_one() -> None:
    # Ours is 300 µs ahead; the venue cuts its time to whole milliseconds.
    samples = []
    for at_ns in range(10_000_000, 14_000_000, 370_000):
        venue_ns = (at_ns - 300_000) // 1_000_000 * 1_000_000
        samples.append((at_ns - 50_000, venue_ns, at_ns + 50_000))
    all_of_them, one = ClockReading.of(samples), ClockReading.of(samples[:1])
    for reading in (all_of_them, one):
        assert abs(reading.offset_ns - 300_000) <= reading.error_ns
    assert all_of_them.error_ns < one.error_ns // 4
    stepped = ClockReading.of([*samples, (20_000_000, 0, 20_000_010)])
    assert stepped.round_trip_ns == 10
    assert abs(stepped.offset_ns - 20_000_000) <= 1_000_000, "a step: the best sample alone is believed"


def test_a_venue_that_does_not_answer(config: Path, venue: Stub) -> None:
    change(config, venue.url, "http://127.0.0.1:1")
    found = checked(config)
    (line,) = bad(found)
    assert line.startswith("venue: GET http://127.0.0.1:1/fapi/v1/time: cannot connect")
    assert exit_code(found) == 1


def test_a_configuration_that_is_wrong(config: Path) -> None:
    change(config, "reject_window = 100", "reject_windw = 100")
    (finding,) = checked(config)
    assert "limits.reject_window is missing" in finding.said
    assert exit_code([finding]) == 2


def test_a_strategy_that_does_not_compile(config: Path) -> None:
    (config.parent / "strategy.py").write_text(STRATEGY.replace("view.has_top", "view.hastop"))
    found = checked(config)
    (finding,) = [f for f in found if f.about == "strategy"]
    assert finding.level is Level.CONFIG
    assert "strategy.py:" in finding.said


def test_a_tripped_switch_is_said(config: Path) -> None:
    KillSwitch(config.parent / "switch").trip("prices look wrong")
    (line,) = bad(checked(config))
    assert "halted (person: prices look wrong)" in line
    assert "searcher resume" in line


def test_recording_needs_no_keys(config: Path, venue: Stub) -> None:
    change(config, 'mode = "live"', 'mode = "record"')
    found = checked(config)
    assert bad(found) == []
    assert not any("account" in line or "sapi" in line for line in venue.asked)


def test_the_host(tmp_path: Path) -> None:
    def write(path: str, text: str) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    write("devices/system/cpu/isolated", "2-3,5\n")
    write("devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n")
    write("kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n")
    said = {f.about: f for f in host.findings(0, "busy", tmp_path / "not" / "yet", tmp_path)}
    assert said["cpu"].said == "0 is shared with other threads (isolated: 2, 3, 5)"
    assert said["governor"].level is Level.WARNING
    assert said["huge pages"].level is Level.WARNING
    assert (said["disk"].about, said["disk"].level.exit_code) == ("disk", 0)
    write("devices/system/cpu/isolated", "0\n")
    assert {f.about: f for f in host.findings(0, "busy", tmp_path, tmp_path)}["cpu"].said == "0 is isolated"
    (unpinned,) = [f for f in host.findings(None, "busy", tmp_path, tmp_path) if f.about == "cpu"]
    assert unpinned.level is Level.WARNING
    (absent,) = [f for f in host.findings(4_000, "sleep", tmp_path, tmp_path) if f.about == "cpu"]
    assert absent.level is Level.WRONG
