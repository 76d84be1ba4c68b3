import json
from typing import Any

import pytest

from native import _core
from risk import InstrumentLimits, LaneLimits, LimitError, Limits
from tests.risk.pair import LIMITS, SPECS


def written() -> dict[str, Any]:
    """As a person writes them: tables by symbol."""
    per: Any = LIMITS["instrument"]
    lane: Any = LIMITS["lane"]
    return {"lane": dict(lane), "instrument": {"BTCUSDT": dict(per[0]), "ETHUSDT": dict(per[1])}}


def refused(values: dict[str, Any]) -> str:
    with pytest.raises(LimitError) as error:
        Limits.from_mapping(values, ["BTCUSDT", "ETHUSDT"])
    assert "\n" not in str(error.value)
    return str(error.value)


def test_written_limits_reach_the_gate_unchanged() -> None:
    limits = Limits.from_mapping(written(), ["BTCUSDT", "ETHUSDT"])
    assert json.loads(limits.to_json()) == LIMITS
    _core.Gate(json.dumps(SPECS), limits.to_json(), "100", _core.Switch.anonymous())


@pytest.mark.parametrize("name", list(LIMITS["instrument"][0]))  # type: ignore[index]
def test_a_missing_instrument_limit_is_named(name: str) -> None:
    values = written()
    del values["instrument"]["ETHUSDT"][name]
    assert refused(values) == (
        f"limits.instrument.ETHUSDT.{name} is missing: limits have no defaults, write your own number"
    )


@pytest.mark.parametrize("name", list(LIMITS["lane"]))  # type: ignore[call-overload]
def test_a_missing_lane_limit_is_named(name: str) -> None:
    values = written()
    del values["lane"][name]
    assert f"limits.lane.{name} is missing" in refused(values)


def test_unknown_keys_are_refused_with_the_nearest_known_one() -> None:
    values = written()
    values["lane"]["max_drawdown_bp"] = 200
    assert refused(values) == "limits.lane.max_drawdown_bp is no limit; did you mean 'max_drawdown_bps'?"
    values = written()
    values["instrument"]["BTCUSD"] = values["instrument"]["BTCUSDT"]
    assert "limits.instrument.BTCUSD: the lane has no such instrument" in refused(values)
    assert "limits.lanes is no table" in refused({**written(), "lanes": {}})


@pytest.mark.parametrize("value", [0.5, 1, "1e3", "-1", "0", "0.000", "", "NaN", "1.", True, None])
def test_quantities_are_digits_in_quotes(value: object) -> None:
    values = written()
    values["instrument"]["BTCUSDT"]["max_order_qty"] = value
    assert "limits.instrument.BTCUSDT.max_order_qty = " in refused(values)


@pytest.mark.parametrize("value", [0, -1, 1.0, "5", True, None])
def test_counts_are_whole_numbers(value: object) -> None:
    values = written()
    values["instrument"]["BTCUSDT"]["max_open_orders"] = value
    assert "limits.instrument.BTCUSDT.max_open_orders = " in refused(values)


def test_a_missing_table_is_named() -> None:
    values = written()
    del values["instrument"]["ETHUSDT"]
    assert "[limits.instrument.ETHUSDT]" in refused(values)
    assert "[limits.lane]" in refused({"instrument": {}})


def test_the_fields_are_those_of_the_native_side() -> None:
    assert list(InstrumentLimits.__dataclass_fields__) == list(written()["instrument"]["BTCUSDT"])
    assert list(LaneLimits.__dataclass_fields__) == list(written()["lane"])
    with pytest.raises(ValueError, match="missing field `max_order_qty`"):
        _core.Gate(json.dumps(SPECS), '{"instrument": [{}], "lane": {}}', "1", _core.Switch.anonymous())
