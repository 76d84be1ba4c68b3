"""What the pages of lanes are said to be, where there is no lane: wrong files, stopped ones, none at all."""

import json
from pathlib import Path

import pytest

from risk.killswitch import KillSwitch, flatten
from searcher.__main__ import main
from searcher.lane_page import Page, alive, read_all
from searcher.status import duration, wait


def test_a_node_without_lanes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--state", str(tmp_path), "--switch", str(tmp_path / "switch")]
    assert main(["status", *where]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'switch'}: active\n"
    assert main(["status", "--json", *where]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["switch"]["state"], found["lanes"]) == (1, "active", [])
    assert main(["halt", "--reason", "test", "--wait", *where]) == 0
    assert "every lane is without orders" in capsys.readouterr().out


def test_a_page_that_is_none_is_said_and_fails_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "status").write_bytes(b"\0" * 64)
    (page,) = read_all(tmp_path)
    assert (page.lane, page.health) == ("odd", "unreadable")
    assert "it is not a status page" in page.says
    assert main(["status", "--state", str(tmp_path), "--switch", str(tmp_path / "switch")]) == 1
    assert "Lane odd unreadable" in capsys.readouterr().out
    assert wait(tmp_path, flat=True, seconds=0.1), "what cannot be read has no orders to wait for"


def page(position: str, orders: int, unknown: int = 0, **more: str) -> Page:
    one = {"position": position, **more}
    status = {"open_orders": orders, "unknown_orders": unknown, "instruments": [one]}
    return Page("one", "running", "", 1, 0, status)


def test_flat_is_no_order_and_no_position() -> None:
    assert page("0.000", 0).is_flat
    assert not page("-0.001", 0).is_flat
    assert not page("-0.001", 0, closable="-0.001").is_flat
    assert page("-0.001", 0, closable="0").is_flat, "no order brings it nearer to zero"
    assert not page("0.000", 1).is_flat
    assert page("0", 0, unknown=1).has_orders, "an order of unknown fate may be open"


def test_durations_have_three_digits() -> None:
    said = [duration(ns) for ns in (7, 12_345, 1_500_000, 59_400_000_000, 600_000_000_000, 9_000_000_000_000)]
    assert said == ["7 ns", "12.3 µs", "1.5 ms", "59.4 s", "10 min", "2.5 h"]


def test_a_process_that_is_gone_is_not_alive() -> None:
    import os

    assert alive(os.getpid())
    assert not alive(2**22 + 1)


def test_flatten_is_refused_after_another_trip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    switch = tmp_path / "switch"
    assert "active -> reducing (flatten: end)" in flatten("end", switch)
    assert "reducing -> reducing" in flatten("end again", switch), "who comes second is no failure"
    KillSwitch(switch).resume("looked at it", "tester")
    KillSwitch(switch).trip("prices look wrong")
    assert main(["flatten", "--reason", "end", "--switch", str(switch)]) == 1
    err = capsys.readouterr().err
    assert "halted (person: prices look wrong): lanes that are halted send cancels only" in err
