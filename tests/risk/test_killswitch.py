import json
import subprocess
import sys
from pathlib import Path

import pytest

from native import _core
from risk import KillSwitch, killswitch
from tests.risk.pair import LIMITS, MID, SPECS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "switch"


def python(code: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *args], text=True, stdin=-1, stdout=-1)


def state(switch: KillSwitch) -> str:
    return switch.state  # a call, so that mypy does not think it stays as it was


def test_another_process_trips_it_and_it_survives_all_of_them(path: Path) -> None:
    watcher = KillSwitch(path)
    assert (watcher.state, watcher.reason) == ("active", None)
    other = python("import sys; from risk import KillSwitch; KillSwitch(__import__('pathlib').Path(sys.argv[1]))"
                   ".trip('from outside', 'reducing')", str(path))  # fmt: skip
    assert other.wait(30) == 0
    assert watcher.state == "reducing"
    reason = watcher.reason
    assert reason is not None
    assert (reason.cause, reason.text, reason.pid) == ("person", "from outside", other.pid)
    assert reason.at_ns > 0
    del watcher
    assert KillSwitch(path).state == "reducing"


def test_processes_that_trip_at_once_leave_one_whole_reason(path: Path) -> None:
    code = """
import sys
from pathlib import Path
from risk import KillSwitch
switch = KillSwitch(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(switch.trip(sys.argv[2] * 200, sys.argv[3]), flush=True)
"""
    states = ["reducing", "halted", "reducing", "halted"]
    children = [python(code, str(path), str(i), state) for i, state in enumerate(states)]
    for child in children:  # they also created the file at once
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    moved = [child.communicate(timeout=30)[0] == "True\n" for child in children]
    switch = KillSwitch(path)
    assert switch.state == "halted"
    assert 1 <= sum(moved) <= 2  # at most down to reducing and then to halted
    reason = switch.reason
    assert reason is not None
    winner = reason.text[0]
    assert reason.text == winner * 200
    assert moved[int(winner)]
    assert reason.pid == children[int(winner)].pid
    assert len(switch.log_path.read_text().splitlines()) == sum(moved)


def test_a_gate_obeys_a_switch_tripped_elsewhere(path: Path) -> None:
    switch = KillSwitch(path)
    gate = _core.Gate(json.dumps(SPECS), json.dumps(LIMITS), "100", switch.native)
    top = (MID - 1, MID + 1)
    assert gate.judge(("place", 1, 0, "buy", MID - 5, 1, False), top, 0, 0) is None
    KillSwitch(path).trip("stop")
    refusal = gate.judge(("place", 2, 0, "buy", MID - 5, 1, False), top, 0, 0)
    assert refusal is not None
    assert refusal[0] == "halted"
    assert gate.judge(("cancel", 1, 0, "buy", 0, 0, False), top, 0, 0) is None


def test_only_a_reason_resumes(path: Path) -> None:
    switch = KillSwitch(path)
    assert switch.trip("too warm")
    with pytest.raises(ValueError, match="reason"):
        switch.resume("  ")
    assert switch.state == "halted"
    switch.resume("cooled down", who="ada")
    assert state(switch) == "active"
    fields = switch.log_path.read_text().splitlines()[-1].split("\t")
    assert fields[1:] == ["halted", "active", "ada", "reset", "cooled down"]
    assert fields[0].startswith("20")


def test_a_damaged_file_is_halted_until_a_person_resumes(path: Path) -> None:
    switch = KillSwitch(path)
    del switch
    path.write_bytes(b"nonsense")
    switch = KillSwitch(path)
    reason = switch.reason
    assert switch.state == "halted"
    assert reason is not None
    assert reason.cause == "bad_file"
    assert "8 bytes" in reason.text
    switch.resume("written anew", who="ada")
    assert state(switch) == "active"
    assert switch.verify()
    path.unlink()
    assert not switch.verify()
    assert state(switch) == "halted"


def test_the_command_line_says_how_it_stands(path: Path) -> None:
    assert killswitch.status(path) == f"{path}: active"
    assert killswitch.halt("drill", path, reducing=True) == f"{path}: active -> reducing"
    assert killswitch.halt("drill", path) == f"{path}: reducing -> halted"
    assert killswitch.halt("again", path) == f"{path}: halted (person: drill)"
    assert killswitch.resume("over", path, who="ada") == f"{path}: halted -> active"


def test_the_path_is_the_environments_or_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEARCHER_SWITCH", str(tmp_path / "here"))
    assert KillSwitch().path == tmp_path / "here"
    monkeypatch.delenv("SEARCHER_SWITCH")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert killswitch.default_path() == tmp_path / ".local/state/searcher/switch"


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot be created"):
        KillSwitch(tmp_path / "file" / "switch")
    with pytest.raises(ValueError, match="none of active"):
        _core.Switch.anonymous().trip("asleep", "person", "", 0)
