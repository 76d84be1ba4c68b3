"""Kernels from the side of their author: layout, parameters, faults at run time, errors at compile time, cache."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from native import (
    BUY,
    GTX,
    IOC,
    SELL,
    Kernel,
    KernelError,
    Out,
    View,
    _core,
    ask,
    bid,
    cancel,
    clear,
    compile_strategy,
    compiler,
    helper,
    load_strategy,
    param,
    place,
    state,
    strategy,
)
from native.kernel import OUT_DTYPE, VIEW_DTYPE

HERE = Path(__file__).parent
FAILING = HERE / "strategies_that_fail.py"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def views(n: int = 1, **fields: Any) -> npt.NDArray[np.void]:
    v = np.zeros(n, VIEW_DTYPE)
    for name, value in fields.items():
        v[name] = value
    return v


# --- the layout


def test_numpy_sees_the_layout_that_rust_exports() -> None:
    layout = json.loads(_core.layout_json())
    for table, dtype in (("view", VIEW_DTYPE), ("out", OUT_DTYPE)):
        assert dtype.itemsize == layout[table]["size"]
        assert dtype.fields is not None
        end = 0
        for field in layout[table]["fields"]:
            kind, offset = dtype.fields[field["name"]][:2]
            assert offset == field["offset"] == end, f"{field['name']} follows the field before it"
            end = offset + kind.itemsize
        assert end == dtype.itemsize
    features = VIEW_DTYPE["features"]
    assert features.itemsize == layout["features"]["size"]
    assert {"microprice", "volatility", "ofi", "vwap"} <= set(features.names or ())


@strategy
class Echo:
    """Writes every kind of field back through the out."""

    calls: int = state(0)
    seen: bool = state(False)
    window: Any = state(np.zeros((2, 3)))

    def on_book(self, views: View, outs: Out, i: int) -> None:
        """Answers for instrument 0 whatever the call is about."""
        self.calls += 1
        self.seen = True
        self.window[1, 2] += 0.5
        view = views[i]
        bid(outs[0], view.bid_pxs[9], view.position)
        ask(outs[0], view.features.microprice, len(views))
        place(outs[i], SELL, view.pnl, view.receipt_leaves, IOC, True)
        cancel(outs[i], view.order_id[15])


def test_fields_and_state_arrive_where_they_should(cache: Path) -> None:
    v = views(2)
    v[1]["bid_pxs"][9], v[1]["position"], v[1]["features"]["microprice"] = 7, 3, 8.25
    v[1]["pnl"], v[1]["receipt_leaves"], v[1]["order_id"][15] = 9.5, 4, 2**64 - 1
    compiled = compile_strategy(Echo, {}, cache_dir=cache)
    kernel = Kernel(compiled)
    for _ in range(3):
        raw = kernel.call("on_book", v.tobytes(), 1)
    out = np.frombuffer(raw, OUT_DTYPE)
    assert _core.desired_ladder(out[:1].tobytes()) == ([(7, 3)], [(9, 2)])
    assert _core.desired_ladder(out[1:].tobytes()) is None
    assert out["n_actions"].tolist() == [0, 2]
    row = out[1]
    assert (row["action_side"][0], row["action_px"][0], row["action_qty"][0]) == (SELL, 9.5, 4.0)
    assert (row["action_tif"][0], row["action_reduce_only"][0], row["action_id"][1]) == (IOC, 1, 2**64 - 1)
    after = np.frombuffer(kernel.state(), compiled.state_dtype)[0]
    assert (after["calls"], after["seen"], after["window"][1, 2]) == (3, True, 1.5)
    # The initial state is the compiled kernel's: another kernel of it begins anew.
    assert np.frombuffer(Kernel(compiled).state(), compiled.state_dtype)[0]["calls"] == 0


# --- faults at run time


@strategy
class Faulty:
    """Commits the fault that its parameter names."""

    fault: int = param(0)
    ring: Any = state(np.zeros(4))

    def on_book(self, view: View, out: Out) -> None:
        """One fault."""
        bid(out, 100.0, 1.0)
        if self.fault == 1:
            raise ValueError("no")
        if self.fault == 2:
            self.ring[view.now_ns] = 1.0
        if self.fault == 3:
            out.ask_px[view.now_ns] = 1.0
        if self.fault == 4:
            bid(out, 1 / view.position, 1)
        if self.fault == 5:
            bid(out, math.nan, 1)
        if self.fault == 6:
            ask(out, math.inf, 1)
        if self.fault == 7:
            bid(out, 0.0, 1)
        if self.fault == 8:
            ask(out, -3.0, 1)
        if self.fault == 9:
            ask(out, 100.0, -1)
        if self.fault == 10:
            ask(out, 100.0, math.nan)
        if self.fault == 11:
            for _ in range(9):
                ask(out, 100.0, 1)
        if self.fault == 12:
            for _ in range(17):
                cancel(out, 1)
        if self.fault == 13:
            place(out, 2, 100.0, 1.0, GTX, False)
        if self.fault == 14:
            place(out, BUY, 100.0, 1.0, 99, False)
        if self.fault == 15:
            place(out, BUY, math.nan, 1.0, GTX, False)
        if self.fault == 16:
            cancel(out, 0)
        if self.fault == 17:
            x = 1.0
            for i in range(20_000_000):
                x += math.sin(x + i)
            self.ring[0] = x


FAULTS = {
    1: "raised an exception",
    2: "raised an exception",
    3: "raised an exception",
    4: "raised an exception",
    5: "wrote NaN as a price",
    6: "wrote inf as a price",
    7: "wrote 0 as a price",
    8: "wrote -3 as a price",
    9: "wrote -1 as a quantity",
    10: "wrote NaN as a quantity",
    11: "wrote 9 levels or actions",
    12: "wrote 17 levels or actions",
    13: "wrote action 0 of instrument 0 with a kind, side",
    14: "wrote action 0 of instrument 0 with a kind, side",
    15: "wrote NaN as a price",
    16: "wrote action 0 of instrument 0 with a kind, side",
}


@pytest.mark.parametrize(("fault", "message"), FAULTS.items())
def test_every_fault_is_named_with_its_hook(cache: Path, fault: int, message: str) -> None:
    kernel = Kernel(compile_strategy(Faulty, {"fault": fault}, cache_dir=cache))
    with pytest.raises(RuntimeError, match=f"on_book {re.escape(message)}"):
        kernel.call("on_book", views(now_ns=1 << 40).tobytes())


def test_without_a_fault_there_is_none(cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = Kernel(compile_strategy(Faulty, cache_dir=cache)).call("on_book", views().tobytes())
    assert _core.desired_ladder(out) == ([(100, 1)], [])
    with pytest.raises(RuntimeError):
        Kernel(compile_strategy(Faulty, {"fault": 1}, cache_dir=cache)).call("on_book", views().tobytes())
    assert capfd.readouterr() == ("", ""), "nothing is printed"


def test_an_overrun_is_proven_by_cpu_time(cache: Path) -> None:
    compiled = compile_strategy(Faulty, {"fault": 17}, cache_dir=cache)
    kernel = Kernel(compiled, 1_000_000)
    with pytest.raises(RuntimeError, match=r"on_book used at least \d+ ns of CPU time"):
        [kernel.call("on_book", views().tobytes()) for _ in range(5)]  # preempted, a call is suspicious, not proven
    Kernel(compiled).call("on_book", views().tobytes())  # without a budget nothing is measured


def test_a_hook_runs_while_python_holds_the_gil(cache: Path) -> None:
    # bench_hook calls from a thread of Rust and does not release the GIL: a hook that wanted it would time out.
    compiled = compile_strategy(Faulty, cache_dir=cache)
    assert _core.bench_hook(compiled, "on_book", views().tobytes(), 1000, 20.0) > 0
    raising = compile_strategy(Faulty, {"fault": 1}, cache_dir=cache)
    with pytest.raises(RuntimeError, match="on_book raised"):
        _core.bench_hook(raising, "on_book", views().tobytes(), 10, 20.0)


def test_the_face_refuses_what_is_not_a_call(cache: Path) -> None:
    kernel = Kernel(compile_strategy(Faulty, cache_dir=cache))
    for hook, data, index in (("on_boot", views().tobytes(), 0), ("on_book", b"", 0), ("on_book", b"x" * 9, 0)):
        with pytest.raises(ValueError, match=r"is not a hook|not a positive multiple"):
            kernel.call(hook, data, index)
    with pytest.raises(ValueError, match="index 1 of 1 views"):
        kernel.call("on_book", views().tobytes(), 1)


# --- rounding


@given(
    st.lists(st.tuples(st.floats(1, 2**53, exclude_max=True), st.floats(0, 1e9)), max_size=8),
    st.lists(st.tuples(st.floats(0, 2**53, exclude_min=True, exclude_max=True), st.floats(0, 1e9)), max_size=8),
)
def test_rounding_never_makes_a_quote_more_aggressive(
    bids: list[tuple[float, float]], asks: list[tuple[float, float]]
) -> None:
    out = np.zeros(1, OUT_DTYPE)
    out["has_ladder"], out["n_bids"], out["n_asks"] = 1, len(bids), len(asks)
    for side, levels in (("bid", bids), ("ask", asks)):
        for i, (px, qty) in enumerate(levels):
            out[f"{side}_px"][0, i], out[f"{side}_qty"][0, i] = px, qty

    def twin(levels: list[tuple[float, float]], to_ticks: Any) -> list[tuple[int, int]]:
        merged: dict[int, int] = {}
        for px, qty in levels:
            if math.floor(qty) > 0:
                merged[to_ticks(px)] = merged.get(to_ticks(px), 0) + math.floor(qty)
        return list(merged.items())

    assert _core.desired_ladder(out.tobytes()) == (twin(bids, math.floor), twin(asks, math.ceil))


@given(st.one_of(st.floats(max_value=0), st.floats(min_value=2**53), st.just(math.nan), st.just(math.inf)))
def test_what_is_not_a_price_is_refused(px: float) -> None:
    for side in ("bid", "ask"):
        out = np.zeros(1, OUT_DTYPE)
        out["has_ladder"], out[f"n_{side}s"] = 1, 1
        out[f"{side}_px"][0, 0] = px
        with pytest.raises(RuntimeError, match="as a price"):
            _core.desired_ladder(out.tobytes())


# --- errors at compile time


def _marked() -> dict[str, tuple[int, str]]:
    """Class name → line and text of its mark."""
    found: dict[str, tuple[int, str]] = {}
    name = ""
    for number, line in enumerate(FAILING.read_text().splitlines(), 1):
        if line.startswith("class "):
            name = line[6:].rstrip(":")
        if "# ERROR " in line:
            found[name] = number, line.partition("# ERROR ")[2]
        elif "# ERROR-IN " in line:
            of, text = line.partition("# ERROR-IN ")[2].split(" ", 1)
            found[of] = number, text
    return found


@pytest.mark.parametrize("name", sorted(_marked()))
def test_a_compile_error_points_at_the_users_line(cache: Path, name: str) -> None:
    line, text = _marked()[name]
    with pytest.raises(KernelError) as caught:
        compile_strategy(load_strategy(f"{FAILING}:{name}"), cache_dir=cache)
    message = str(caught.value)
    assert "\n" not in message
    assert re.match(rf"{re.escape(str(FAILING))}:{line}: in on_(book|trade): ", message), message
    assert re.search(text, message), message


def test_code_that_needs_the_interpreter_is_refused(cache: Path) -> None:
    with pytest.raises(KernelError, match="PrintsInHelper needs the interpreter"):
        compile_strategy(load_strategy(f"{FAILING}:PrintsInHelper"), cache_dir=cache)


# --- declarations


def _declare(**body: Any) -> type:
    return strategy(type("Declared", (), {"on_book": Faulty.on_book, **body}))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"x": param("text")}, "must be a float, an int or a bool"),
        ({"x": param(0.0, gt=0.0)}, "Declared.x must be > 0.0"),
        ({"x": param(math.nan)}, "must be finite"),
        ({"x": state([1, 2])}, "must be a float, an int or a bool"),
        ({"x": state(np.array(["a"]))}, "only state may be an array"),
        ({"on_boook": lambda self: 1}, "on_boook is not a hook; did you mean 'on_book'"),
        ({"timer_ms": 5}, "needs both on_timer and timer_ms"),
        ({"on_book": None}, "has no hook"),
    ],
)
def test_a_wrong_declaration_is_named(body: dict[str, Any], message: str) -> None:
    with pytest.raises(KernelError, match=re.escape(message)):
        _declare(**body)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"falt": 1}, "Faulty has no parameter 'falt'; did you mean 'fault'"),
        ({"fault": 1.5}, "Faulty.fault must be of type int, not 1.5"),
        ({"fault": True}, "Faulty.fault must be of type int, not True"),
        ({"fault": "1"}, "Faulty.fault must be of type int, not '1'"),
        ({"fault": 2**63}, "does not fit 64 bits"),
        ({"ring": 1}, "has no parameter 'ring'"),
    ],
)
def test_a_wrong_parameter_is_named(cache: Path, params: dict[str, Any], message: str) -> None:
    with pytest.raises(KernelError, match=re.escape(message)):
        compile_strategy(Faulty, params, cache_dir=cache)


def test_what_is_no_strategy_is_not_loaded(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("x = 1\ndef f(:\n")
    raising = tmp_path / "raising.py"
    raising.write_text("x = 1\ny = x / 0\n")
    for target, message in (
        ("nothing", "does not name a strategy"),
        ("no.such.module:X", "cannot load no.such.module"),
        (f"{tmp_path}/none.py:X", "cannot read"),
        (f"{broken}:X", f"{broken}:2: "),
        (f"{raising}:X", f"{raising}:2: cannot load {raising}: ZeroDivisionError"),
        ("cex.strategies.touch:JoinTuch", "did you mean 'JoinTouch'"),
        ("pathlib:Path", "Path is not a strategy"),
    ):
        with pytest.raises(KernelError, match=re.escape(message)):
            load_strategy(target)


# --- the cache

SCRIPT = """
import sys, numpy as np
from native import Kernel, compile_strategy, load_strategy, _core
from native.kernel import VIEW_DTYPE
k = compile_strategy(load_strategy(sys.argv[1]), {}, cache_dir=sys.argv[2])
v = np.zeros(1, VIEW_DTYPE)
print(k.cached, _core.desired_ladder(Kernel(k).call("on_book", v.tobytes())))
"""

CACHED = """
from native import bid, helper, strategy
WIDTH = 5.0
@helper
def price():
    return 100.0 - WIDTH
@strategy
class Cached:
    def on_book(self, view, out):
        bid(out, price(), 1)
"""


def _run(target: str, cache: Path) -> str:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, target, str(cache)], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_code_is_cached_for_other_processes_and_never_stale(tmp_path: Path) -> None:
    file = tmp_path / "cached.py"
    file.write_text(CACHED)
    store = tmp_path / "store"

    def ladder() -> tuple[bool, Any]:
        compiled = compile_strategy(load_strategy(f"{file}:Cached"), cache_dir=store)
        return compiled.cached, _core.desired_ladder(Kernel(compiled).call("on_book", views().tobytes()))

    assert ladder() == (False, ([(95, 1)], []))
    assert ladder() == (True, ([(95, 1)], []))
    assert _run(f"{file}:Cached", store) == "True ([(95, 1)], [])"
    file.write_text(CACHED.replace("WIDTH = 5.0", "WIDTH = 7.0"))  # of the same length: only the content tells
    assert ladder() == (False, ([(93, 1)], []))
    assert len(list(store.iterdir())) == 2


def test_a_damaged_cache_entry_is_discarded(tmp_path: Path) -> None:
    file = tmp_path / "cached.py"
    file.write_text(CACHED)
    compile_strategy(load_strategy(f"{file}:Cached"), cache_dir=tmp_path / "good")
    (entry,) = (tmp_path / "good").iterdir()
    good = entry.read_bytes()
    for number, bad in enumerate((good[:-1], b"", good[:200] + b"\xff" + good[201:])):
        store = tmp_path / f"bad{number}"
        shutil.copytree(tmp_path / "good", store)
        (store / entry.name).write_bytes(bad)
        compiled = compile_strategy(load_strategy(f"{file}:Cached"), cache_dir=store)
        assert not compiled.cached
        assert _core.desired_ladder(Kernel(compiled).call("on_book", views().tobytes())) == ([(95, 1)], [])
        assert len((store / entry.name).read_bytes()) > 1000, "written anew"


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    file = tmp_path / "cached.py"
    file.write_text(CACHED)
    (tmp_path / "occupied").write_text("a file, not a directory")
    with pytest.warns(UserWarning, match="not cached in"):
        compiled = compile_strategy(load_strategy(f"{file}:Cached"), cache_dir=tmp_path / "occupied")
    assert Kernel(compiled).call("on_book", views().tobytes())


def test_the_key_follows_helpers_and_values_they_read() -> None:
    here = {name for name, _ in compiler._reached(Faulty.on_book, {})}
    assert {"Faulty.on_book", "bid", "ask", "place", "cancel", "LADDER", "_PLACE"} <= here


def test_clear_and_helpers_do_the_same_in_python() -> None:
    # `helper` keeps a function callable from Python, on a record: convenient in a user's own tests.
    out = np.zeros(1, OUT_DTYPE)
    helper(clear.py_func)(out[0])  # type: ignore[attr-defined]
    bid(out[0], 3.5, 1)
    assert (out["has_ladder"][0], out["n_bids"][0], out["bid_px"][0, 0]) == (1, 1, 3.5)
