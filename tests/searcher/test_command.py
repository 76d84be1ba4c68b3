"""The command line as a person meets it: its exit codes, and one clear line for what went wrong."""

from pathlib import Path

import pytest

from native import compile_strategy, load_strategy
from searcher.__main__ import main
from searcher.config import load
from searcher.plan import plan_json


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    err = capsys.readouterr().err
    assert err.startswith("searcher: ")
    assert err.count("\n") == 1
    return err


def test_init_writes_a_project_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "mine"
    assert main(["init", str(folder)]) == 0
    assert sorted(p.name for p in folder.iterdir()) == ["README.md", "config.toml", "strategy.py"]
    assert "Next: searcher replay" in capsys.readouterr().out
    kernel = load(folder / "config.toml").kernels[0]
    assert kernel.strategy == f"{(folder / 'strategy.py').resolve()}:JoinTouch"
    compile((folder / "strategy.py").read_text(), "strategy.py", "exec")
    assert plan_json(load(folder / "config.toml"))
    (folder / "config.toml").write_text("mine")
    assert main(["init", str(folder)]) == 2
    assert "is not an empty folder" in one_line(capsys)
    assert (folder / "config.toml").read_text() == "mine"


def test_init_takes_an_empty_folder(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path)]) == 0


def test_generate_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new" / "day.gz"
    assert main(["generate", str(path), "--seconds", "1", "--seed", "4", "--venue", "binance_spot"]) == 0
    assert "1 s, seed 4, binance_spot" in capsys.readouterr().out
    assert path.stat().st_size > 10_000


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["replay"],
        ["replya"],
        ["halt"],
        ["generate", "x.gz", "--seconds", "0", "--seed", "1"],
        ["generate", "x.gz", "--seconds", "1", "--seed", "1", "--venue", "nasdaq"],
    ],
)
def test_a_wrong_argument_exits_with_two(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(argv)
    assert exit_.value.code == 2
    assert "usage: searcher" in capsys.readouterr().err


def test_a_wrong_configuration_exits_with_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", str(tmp_path / "p")])
    capsys.readouterr()
    config = tmp_path / "p" / "config.toml"
    assert main(["replay", "day.gz", "--config", str(tmp_path / "no.toml")]) == 2
    assert "cannot read" in one_line(capsys)
    assert main(["replay", "day.gz", "--config", str(config), "--set", "kernel.qty_lots"]) == 2
    assert "--set kernel.qty_lots: write kernel.param=value" in one_line(capsys)
    config.write_text(config.read_text().replace("max_order_qty", "max_order_quantity"))
    assert main(["replay", "day.gz", "--config", str(config)]) == 2
    assert "config.toml: instrument[0].limits.max_order_qty is missing" in one_line(capsys)


def test_a_file_that_cannot_be_written_exits_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["generate", str(tmp_path / "file" / "day.gz"), "--seconds", "1", "--seed", "1"]) == 1
    assert "file" in one_line(capsys)


@pytest.mark.parametrize("command", ["halt", "resume"])
def test_the_switch_wants_a_reason(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--switch", str(tmp_path / "switch"), "--reason", " "]) == 2
    assert "--reason is empty" in one_line(capsys)
    assert not (tmp_path / "switch").exists()


def test_the_switch_is_tripped_read_and_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "state" / "switch"

    def says(*argv: str) -> str:
        assert main([*argv, "--switch", str(path)]) == 0
        return capsys.readouterr().out

    assert says("status") == f"{path}: active\n"
    assert says("halt", "--reason", "feed looks wrong") == f"{path}: active -> halted\n"
    assert says("status") == f"{path}: halted (person: feed looks wrong)\n"
    # Who comes second does not hide the first one's reason.
    assert says("halt", "--reason", "me too") == f"{path}: halted (person: feed looks wrong)\n"
    for argv in (["resume"], ["resume", "--reason"]):
        with pytest.raises(SystemExit) as exit_:
            main([*argv, "--switch", str(path)])
        assert exit_.value.code == 2
        assert "--reason" in capsys.readouterr().err
    assert main(["resume", "--reason", "", "--switch", str(path)]) == 2
    assert "--reason is empty" in one_line(capsys)
    assert says("status") == f"{path}: halted (person: feed looks wrong)\n"
    assert says("resume", "--reason", "feed checked") == f"{path}: halted -> active\n"
    log = path.with_name("switch.log").read_text(encoding="utf-8")
    assert log.count("\n") == 2
    assert "feed looks wrong" in log
    assert "feed checked" in log


def test_without_a_file_named_it_is_the_nodes_switch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCHER_SWITCH", str(tmp_path / "nodes"))
    monkeypatch.chdir(tmp_path)
    assert main(["halt", "--reason", "stop"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'nodes'}: active -> halted\n"
    assert not (tmp_path / "switch").exists()


def test_a_switch_that_cannot_be_had_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["halt", "--reason", "stop", "--switch", str(tmp_path)]) == 1
    assert "cannot be opened" in one_line(capsys)
    (tmp_path / "damaged").write_text("nonsense")
    assert main(["status", "--switch", str(tmp_path / "damaged")]) == 0
    assert "halted (bad_file: " in capsys.readouterr().out


def test_the_starters_strategy_compiles_with_its_parameters(tmp_path: Path) -> None:
    main(["init", str(tmp_path / "p")])
    kernel = load(tmp_path / "p" / "config.toml").kernels[0]
    compiled = compile_strategy(load_strategy(kernel.strategy), kernel.params, cache_dir=tmp_path / "cache")
    assert compiled.params == {"qty_lots": 1, "max_lots": 20, "timer_ms": 100}
    assert compiled.timer_ns == 100_000_000
