"""The demo's comparison: it finds what differs, and does not take agreement for being flat."""

import json
from decimal import Decimal
from typing import Any

from searcher.demo_truth import Comparison, Row, our_account, plain, their_account


def ours(**changes: Any) -> bytes:
    fill = {"t": "fill", "trade_id": 5, "order": "se-1", "side": "buy", "px": "60000.1", "qty": "0.005", "maker": True,
            "fee": "0.03", "fee_asset": "USDT", "symbol": "BTCUSDT", "crc": "00000000"}  # fmt: skip
    return json.dumps(fill | changes).encode()


def log(what: str, **changes: Any) -> bytes:
    line = {"what": what, "symbol": "BTCUSDT", "order": 1, "client": "se-1", "side": "BUY", "px": "60000.10",
            "qty": "0.005", "filled": "0.000", "by": "request", "act": "place"}  # fmt: skip
    return json.dumps(line | changes).encode()


def fill(**changes: Any) -> bytes:
    usual = {"trade": 5, "filled": "0.005", "maker": True, "fee_e8": 3_000_000, "fee_asset": "USDT"}
    return log("fill", **(usual | changes))


def test_both_records_make_the_same_trade() -> None:
    mine, its = our_account([b'{"t":"start","first_id":1,"crc":"0"}', ours()]), their_account([log("accepted"), fill()])
    assert mine.trades == its.trades
    assert (mine.position("BTCUSDT"), its.fees("BTCUSDT")) == (Decimal("0.005"), {"USDT": Decimal("0.03")})
    assert its.open == {"BTCUSDT": 0}, "filled whole"
    assert our_account([ours(fee=None, fee_asset="")]).trades != its.trades
    assert our_account([ours(), ours()]).doubled == 1


def test_open_orders_are_followed() -> None:
    place = log("accepted")
    assert their_account([place]).open == {"BTCUSDT": 1}
    assert their_account([place, fill(filled="0.004")]).open == {"BTCUSDT": 1}
    assert their_account([place, log("accepted", act="replace", qty="0.009"), fill()]).open == {"BTCUSDT": 1}
    assert their_account([place, log("accepted", act="cancel")]).open == {"BTCUSDT": 0}
    assert their_account([place, log("expired", why="x")]).open == {"BTCUSDT": 0}
    assert their_account([log("accepted", order=2), log("rejected")]).open == {"BTCUSDT": 1}


def test_agreement_is_equal_and_flat() -> None:
    flat = [Row("position BTCUSDT", "0", "0"), Row("open orders BTCUSDT", "0", "0"), Row("fills BTCUSDT", "3", "3")]
    assert Comparison(flat, [], "1").agrees
    assert not Comparison(flat, ["BTCUSDT trade 5"], "1").agrees
    assert not Comparison([*flat, Row("fees BTCUSDT", "1 USDT", "2 USDT")], [], "1").agrees
    assert not Comparison([Row("position BTCUSDT", "0.1", "0.1")], [], "1").agrees, "equal, and not flat"


def test_digits_without_needless_zeros() -> None:
    assert [plain(Decimal(t)) for t in ("0.000", "-0.0", "100", "1.50", "-2")] == ["0", "0", "100", "1.5", "-2"]
