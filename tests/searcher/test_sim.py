"""`searcher sim` as a command: what it prints, TLS, and how it ends."""

import json
import os
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from searcher.__main__ import main


@contextmanager
def running(*args: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    command = [sys.executable, "-m", "searcher", "sim", *args, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            word, *words = process.stdout.readline().split()
            assert word == "ready"
            yield process, dict(w.split("=", 1) for w in words)
        finally:
            process.kill()


def test_it_says_where_it_listens_and_ends_at_a_signal(tmp_path: Path) -> None:
    log = tmp_path / "log" / "sim.jsonl"
    with running("binance-usdm", "--log", str(log), "--tops", str(tmp_path / "tops")) as (process, at):
        with urllib.request.urlopen(at["rest"] + "/fapi/v1/time", timeout=5) as answer:
            assert "serverTime" in json.load(answer)
        assert at["orders"].endswith("/ws-fapi/v1")
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    assert log.exists()
    assert b'"BTCUSDT"' in (tmp_path / "tops").read_bytes()


def test_tls_by_a_certificate_of_its_own_and_shutdown_by_the_control_endpoint(tmp_path: Path) -> None:
    with running("binance-spot", "--tls", "--state", str(tmp_path)) as (process, at):
        trust = ssl.create_default_context(cafile=at["ca_file"])
        with urllib.request.urlopen(at["rest"] + "/api/v3/ping", timeout=5, context=trust) as answer:
            assert answer.status == 200
        request = urllib.request.Request(at["rest"] + "/sim/shutdown", method="POST")
        with urllib.request.urlopen(request, timeout=5, context=trust):
            pass
        assert process.wait(5) == 0
    assert (tmp_path / "sim-key.pem").stat().st_mode & 0o077 == 0
    assert os.path.exists(at["ca_file"])


@pytest.mark.parametrize(
    "wrong",
    [
        ["--faults", "drip=1"], ["--symbols", "btc"], ["--order-limit", "5"], ["--maker-fee", "x"], ["--speed", "0"],
        ["--balance", "BTC=much"], ["--recording", "nowhere.gz"],
    ],
)  # fmt: skip
def test_a_wrong_argument_is_said_in_one_line(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["sim", "binance-spot", "--port", "0", *wrong])
    assert code == (1 if wrong[0] == "--recording" else 2)
    said = capsys.readouterr().err
    assert said.startswith("searcher: ")
    assert said.count("\n") == 1
