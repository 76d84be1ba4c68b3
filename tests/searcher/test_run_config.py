"""The tables that a live lane reads, and what it is told."""

import json
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from cex.venues.binance import SPOT, USDM, streams
from cex.venues.binance_auth import Credentials
from cex.venues.binance_rules import RateLimit
from searcher.config import Config, parse
from searcher.errors import ConfigError
from searcher.live_config import endpoints
from searcher.live_plan import compile_kernels, for_mode, live_plan_json
from searcher.starter import STRATEGY, TRADED

KEYS = '[keys]\nkey_kind = "hmac"\napi_key_env = "KEY"\nsecret_env = "SECRET"\n'


def starter(extra: str = "", *changes: tuple[str, str], folder: Path = Path()) -> Config:
    text = TRADED
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return parse(tomllib.loads(f"{text}\n{extra}"), folder)


def test_a_lane_has_defaults_for_what_is_no_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    live = starter().live
    assert (live.name, live.number, live.run.mode, live.run.on_stop) == ("lane1", 1, "paper", "cancel")
    assert endpoints(live, "binance_usdm") == USDM.networks["production"]
    monkeypatch.setenv("SEARCHER_STATE", str(tmp_path))
    assert live.state_folder == tmp_path / "lane1"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    extra = (
        """
    [run]
    mode = "live"
    on_stop = "flatten"
    stop_deadline_s = 3
    [venue]
    network = "testnet"
    rest = "http://127.0.0.1:8001/"
    depth_ms = 500
    countdown_ms = 0
    [connection]
    poll = "busy"
    cpu = 1
    ca_file = "ca.pem"
    """
        + KEYS
    )
    live = starter(extra, ("[lane]", '[lane]\nname = "maker"\nnumber = 9\nstate = "s"'), folder=tmp_path).live
    assert (live.name, live.number, live.state_folder) == ("maker", 9, tmp_path / "s")
    assert (live.run.mode, live.run.on_stop, live.run.stop_deadline_s) == ("live", "flatten", 3)
    where = endpoints(live, "binance_usdm")
    assert where.market == USDM.networks["testnet"].market
    assert (where.rest, where.account) == ("http://127.0.0.1:8001", "http://127.0.0.1:8001")
    assert (live.venue.depth_ms, live.venue.countdown_ms) == (500, 0)
    assert (live.connection.poll, live.connection.cpu, live.connection.ca_file) == ("busy", 1, tmp_path / "ca.pem")
    assert live.keys is not None
    assert (live.keys.key_kind, live.keys.api_key_env, live.keys.secret_env) == ("hmac", "KEY", "SECRET")


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ('[run]\nmod = "live"', "unknown key run.mod; did you mean 'mode'?"),
        ('[run]\nmode = "lve"', "run.mode = 'lve' is not known; did you mean 'live'?"),
        ('[run]\non_stop = "sell"', "run.on_stop = 'sell' is not known; known: cancel, flatten"),
        ("[run]\nstop_deadline_s = 0", "run.stop_deadline_s = 0: it must be at least 1"),
        ("[venues]\n", "unknown key venues"),
        ("[venue]\nrecv_window = 1", "unknown key venue.recv_window; did you mean 'recv_window_ms'?"),
        ("[venue]\nrecv_window_ms = 60001", "venue.recv_window_ms = 60001: it must be at most 60000"),
        ("[venue]\ndepth_ms = 10", "venue.depth_ms = 10: binance_usdm sends depth every 100, 250, 500 ms"),
        ("[venue]\nstreams_per_connection = 2000", "it must be at most 1024"),
        ("[venue]\ncancel_reserve_bps = 10000", "it must be at most 9000"),
        ("[venue]\ncountdown_ms = 100", "it must be 0 (off), or 5000 to 600000"),
        ('[venue]\nrest = "http://example.com"', "without TLS only to this host; write https://"),
        ('[venue]\nmarket = "https://example.com"', "it must be wss://host"),
        ('[venue]\nmarket = "wss://u:p@example.com"', "it must be wss://host"),
        ('[connection]\npoll = "spin"', "connection.poll = 'spin' is not known; known: busy, sleep"),
        ("[connection]\nclock_speed = 2", "connection.clock_speed is for a loopback exchange"),
        ('[keys]\nsecret = "x"', "keys.secret: a key does not belong in a configuration"),
        ('[keys]\napi_key_env = "KEY"', "keys.secret_env is missing"),
        ('[keys]\napi_key_env = "a key"\nsecret_env = "S"', "write the name of an environment variable"),
        ('[keys]\nkeystore = "k"', "keys.name is missing"),
        ('[keys]\nkeystore = "k"\nname = "n"\nsecret_env = "S"', "keys.secret_env: a keystore holds it"),
        ('[keys]\napi_key_env = "K"\nsecret_env = "S"\nname = "n"', "it belongs to a keystore, and there is none"),
    ],
)
def test_what_is_wrong_is_named(extra: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        starter(extra)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("number = 0", "lane.number = 0: it must be at least 1"),
        ("number = 65536", "lane.number = 65536: it must be at most 65535"),
        ('name = "a/b"', "lane.name = 'a/b': letters, digits"),
        ('name = ".."', "lane.name = '..'"),
    ],
)
def test_a_lane_that_cannot_be_told_from_others_is_refused(new: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        starter("", ("[lane]", f"[lane]\n{new}"))
    assert said in str(error.value)


def test_a_secret_that_stands_in_the_configuration_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as error:
        starter('[keys]\nsecret_env = "hunter2-!"\napi_key_env = "K"')
    assert "hunter2" not in str(error.value)


def test_spot_has_no_countdown() -> None:
    with pytest.raises(ConfigError, match="this venue has no countdown"):
        starter("[venue]\ncountdown_ms = 60000", ('"binance_usdm"', '"binance_spot"'))


def test_a_faster_clock_is_for_loopback_alone() -> None:
    hosts = '[venue]\nrest = "http://127.0.0.1:1"\nmarket = "ws://localhost:1"\norders = "ws://[::1]:1/ws"\n'
    live = starter(f'{hosts}user = "ws://127.0.0.1:1"\n[connection]\nclock_speed = 60').live
    assert live.connection.clock_speed == 60
    with pytest.raises(ConfigError, match=r"wss://fstream\.binance\.com/private is none"):
        starter(f"{hosts}[connection]\nclock_speed = 60")


def test_streams_of_one_symbol_share_a_connection() -> None:
    assert streams(USDM, ("BTCUSDT",), 100, 300) == [["btcusdt@depth@100ms", "btcusdt@bookTicker", "btcusdt@trade"]]
    assert streams(SPOT, ("BTCUSDT",), 1000, 300)[0][0] == "btcusdt@depth"
    many = streams(SPOT, tuple(f"S{n}" for n in range(7)), 100, 8)
    assert [len(names) for names in many] == [6, 6, 6, 3]
    assert sum(len({n.partition("@")[0] for n in names}) for names in many) == 7


def test_a_mode_names_what_it_lacks() -> None:
    with pytest.raises(ConfigError, match=r"\[keys\] is missing: mode live signs its orders"):
        for_mode(starter(), "live")
    assert for_mode(starter(), "paper").kernels
    assert for_mode(starter(), "record").kernels == ()
    with pytest.raises(ConfigError, match=r"\[\[kernel\]\] is missing: mode paper needs a strategy"):
        for_mode(parse(tomllib.loads(TRADED[: TRADED.index("[[kernel]]")]), Path()), "paper")
    with pytest.raises(ConfigError, match=r"\[\[instrument\]\] is missing"):
        for_mode(Config(), "record")


def test_the_plan_of_a_live_lane(tmp_path: Path) -> None:
    (tmp_path / "strategy.py").write_text(STRATEGY)
    config = for_mode(starter(KEYS, folder=tmp_path), "live")
    kernels, made_of = compile_kernels(config)
    assert [k.name for k in kernels] == ["JoinTouch"]
    text = live_plan_json(
        config,
        "live",
        clock_offset_ns=1_234,
        rates=[RateLimit("orders", 10_000, 300)],
        keys=Credentials("hmac", "the-api-key", "the-secret"),
        switch=tmp_path / "switch",
        strategies=made_of,
        min_notional=[Decimal("5.00")],
    )
    assert "the-api-key" not in text
    assert "the-secret" not in text
    plan = json.loads(text)
    assert plan["plan"]["clock_offset_ns"] == 1_234
    assert plan["plan"]["kernels"] == [{"instruments": ["BTCUSDT"], "budget_ns": 1_000_000}]
    assert (plan["mode"], plan["lane"], plan["key_kind"]) == ("live", 1, "hmac")
    assert plan["endpoints"]["user"] == "wss://fstream.binance.com/private"
    assert plan["rules"] == {
        "ack_timeout_ms": 2_000,
        "reconcile_every_ms": 60_000,
        "countdown_ms": 120_000,
        "rates": [{"kind": "orders", "interval_ms": 10_000, "limit": 300}],
        "cancel_reserve_bps": 2_000,
        "min_notional": ["5.00"],
    }
    (one,) = plan["strategies"]
    assert one["params"] == {"qty_lots": 1, "max_lots": 20, "timer_ms": 100}
    assert one["strategy"].endswith("strategy.py:JoinTouch")
    assert len(one["source_sha256"]) == 64


def test_a_paper_lane_is_told_of_no_place_to_send_orders(tmp_path: Path) -> None:
    config = for_mode(starter(), "record")
    text = live_plan_json(config, "record", clock_offset_ns=0, rates=[], keys=None, switch=None, strategies=[])
    plan = json.loads(text)
    assert (plan["endpoints"]["orders"], plan["endpoints"]["user"], plan["rules"]) == (None, None, None)
    assert (plan["key_kind"], plan["switch"]) == (None, None)


def test_a_written_clock_offset_is_believed() -> None:
    config = for_mode(starter("", ('clock_offset = "auto"', "clock_offset = 5")), "record")
    text = live_plan_json(config, "record", clock_offset_ns=9, rates=[], keys=None, switch=None, strategies=[])
    assert json.loads(text)["plan"]["clock_offset_ns"] == 5


def test_a_countdown_may_be_left_alone() -> None:
    config = for_mode(starter(f"[venue]\ncountdown_ms = 0\n{KEYS}"), "live")
    keys = Credentials("hmac", "k", "s")
    text = live_plan_json(config, "live", clock_offset_ns=0, rates=[], keys=keys, switch=None, strategies=[])
    assert json.loads(text)["rules"]["countdown_ms"] is None
