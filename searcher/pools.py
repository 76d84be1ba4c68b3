"""Recorded pools, for research: files in the forms that others record them in, as the native core's `Pools`.

from searcher.pools import load
pools = load("uniswap_v3_wbtc_weth_block_24407242.json")
pools.quote_in(0, WBTC, WETH, 10**8)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from native import Pools
from searcher.errors import RunError

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Token:
    """A token as a recording names it; `symbol` and `decimals` are for people, no amount depends on them."""

    address: str
    symbol: str = ""
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class RecordedPool:
    """A pool of a file as of `block`. `key` is its address or its id of 32 bytes; `state` is what `Pools.add` reads."""

    key: str
    tokens: tuple[Token, ...]
    block: int | None
    state: State


def load(*paths: str | Path) -> Pools:
    """All pools of some recorded files, in their order. Raises RunError."""
    pools = Pools()
    for path in paths:
        for pool in read(path):
            add(pools, pool)
    return pools


def add(pools: Pools, pool: RecordedPool) -> int:
    """Adds a recorded pool; its number. Raises RunError where its state cannot be."""
    try:
        return pools.add(pool.key, [token.address for token in pool.tokens], json.dumps(pool.state))
    except ValueError as error:
        raise RunError(str(error)) from None


def read(path: str | Path) -> list[RecordedPool]:
    """The pools of a file: one pool, or a path of several under `pools`. Raises RunError, naming file and field."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise RunError(f"{path}: no JSON: {error}") from None
    if not isinstance(data, dict):
        raise RunError(f"{path}: a recorded pool is a JSON object, this is a {type(data).__name__}")
    several = data.get("pools")
    found = several.values() if isinstance(several, dict) else [data]
    try:
        return [_pool(one) for one in found]
    except KeyError as error:
        raise RunError(f"{path}: the field {error.args[0]!r} is missing") from None
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise RunError(f"{path}: {error}") from None


def _pool(data: Mapping[str, Any]) -> RecordedPool:
    family = str(data.get("family", ""))
    block = data.get("block")
    if "reserves_token0" in data:
        fees = [Fraction(data["fee_token0"]), Fraction(data["fee_token1"])]
        return RecordedPool(data["address"], _tokens(data), block, v2(
            int(data["reserves_token0"]), int(data["reserves_token1"]), *fees,
        ))  # fmt: skip
    if "reserve0" in data:
        fee = 1 - Fraction(int(data["fee_gamma"]), int(data["fee_denom"]))
        state = v2(int(data["reserve0"]), int(data["reserve1"]), fee, fee)
        return RecordedPool(data["address"], _pair(data, "token"), block, state)
    if family == "uniswap_v4":
        state = {"v4": _concentrated(data, data) | _v4(data)}
        return RecordedPool(data["pool_id"], _pair(data, "currency"), block, state)
    if "tick_data" in data:
        scalars = data.get("scalars", data)
        state = {"v3": _concentrated(scalars, data) | {"fee_pips": int(scalars.get("fee", data.get("fee_token0", 0)))}}
        tokens = _tokens(data) if "tokens" in data else _pair(data, "token")
        return RecordedPool(data.get("address") or data["pool"], tokens, block, state)
    if "a_coefficient" in data:
        return RecordedPool(data["address"], _tokens(data), block, {"curve_stable": _curve(data)})
    if "weights" in data:
        return RecordedPool(data["pool_id"], _tokens(data), block, {"balancer_weighted": _weighted(data)})
    raise ValueError("no form of a recorded pool that is known: V2, V3, V4, Curve stable, Balancer weighted")


def v2(reserve0: int, reserve1: int, fee0: Fraction = Fraction(3, 1000), fee1: Fraction = Fraction(3, 1000)) -> State:
    """The state of a V2 pair; `fee0` is taken from token 0 where it goes in."""
    parts = max(1000, fee0.denominator, fee1.denominator)
    left = [(1 - fee) * parts for fee in (fee0, fee1)]
    if any(part.denominator != 1 for part in left):
        raise ValueError(f"fees of {fee0} and {fee1} are not parts of one number")
    return {"v2": {"reserves": [reserve0, reserve1], "fee_num": [int(part) for part in left], "fee_den": parts}}


def _concentrated(scalars: Mapping[str, Any], data: Mapping[str, Any]) -> State:
    ticks = sorted((int(tick), *_gross_and_net(value)) for tick, value in data["tick_data"].items())
    return {
        "sqrt_price": str(scalars["sqrt_price_x96"]),
        "tick": int(scalars["tick"]),
        "liquidity": str(scalars["liquidity"]),
        "tick_spacing": int(scalars["tick_spacing"]),
        "ticks": [[tick, str(gross), str(net)] for tick, gross, net in ticks],
    }


def _gross_and_net(value: Any) -> tuple[int, int]:
    """A tick is an object with names, or `[gross, net, block]`."""
    if isinstance(value, dict):
        return int(value["liquidity_gross"]), int(value["liquidity_net"])
    return int(value[0]), int(value[1])


def _v4(data: Mapping[str, Any]) -> State:
    return {"lp_fee": int(data["lp_fee"]), "protocol_fee": int(data["protocol_fee"])}


def _curve(data: Mapping[str, Any]) -> State:
    decimals = [int(token["decimals"]) for token in data["tokens"]]
    now = int(data["block_timestamp"])
    ramp = {"initial": data["initial_a"], "future": data["future_a"]}
    times = {"initial_time_s": data["initial_a_time"], "future_time_s": data["future_a_time"]}
    if any(data.get("use_lending", ())):
        raise ValueError("a pool of lending tokens needs their rates, which this form does not have")
    return {
        "invariant": "original",
        "view": "units_first",
        "balances": [str(balance) for balance in data["balances"]],
        "rates": [str(10 ** (36 - n)) for n in decimals],
        "amp": {name: str(value) for name, value in ramp.items()} | times,
        "fee": str(data["fee"]),
        "admin_fee": str(data["admin_fee"]),
        "time_s": now,
    }


def _weighted(data: Mapping[str, Any]) -> State:
    fee = Fraction(data["fee"]) * 10**18
    if fee.denominator != 1:
        raise ValueError(f"a fee of {data['fee']} is not a whole number of 1e-18")
    return {
        "balances": [str(balance) for balance in data["balances"]],
        "scaling": [str(10 ** (18 - int(token["decimals"]))) for token in data["tokens"]],
        "weights": [str(weight) for weight in data["weights"]],
        "fee": str(int(fee)),
        "pow_version": data["pow_version"],
    }


def _tokens(data: Mapping[str, Any]) -> tuple[Token, ...]:
    return tuple(Token(t["address"], t.get("symbol", ""), t.get("decimals")) for t in data["tokens"])


def _pair(data: Mapping[str, Any], name: str) -> tuple[Token, ...]:
    two = (data[f"{name}0"], data[f"{name}1"])
    return tuple(
        Token(t["address"], t.get("symbol", ""), t.get("decimals")) if isinstance(t, dict) else Token(t) for t in two
    )
