"""The style guide is a test. Each rule is first shown to catch a bad sample, then held against every tracked file."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import house_rules as rules
from tests.house_rules import Allowance

ROOT = Path(__file__).resolve().parent.parent

MONEY_RUST = ("native/src/units.rs", "native/src/event.rs", "native/src/risk/", "native/src/sim/",
              "native/src/cex/orders.rs", "native/src/cex/quoter.rs", "native/src/cex/book.rs",
              "native/src/searcher/state/", "native/src/searcher/evm/", "native/src/searcher/cycle.rs",
              "native/src/searcher/pools/")  # fmt: skip
MONEY_PYTHON = ("risk/",)

FLOATS_ALLOWED = [
    Allowance("native/src/units.rs", "to_f64", "the one way out of money, for statistics and charts"),
    Allowance(
        "native/src/sim/queue.rs", "*", "a queue position is a probability's estimate; whole lots come out of it"
    ),
    Allowance("native/src/sim/source.rs", "progress", "the part of a file that was read, for a progress bar"),
    Allowance("native/src/sim/backtest.rs", "progress", "the part of a file that was read, for a progress bar"),
    Allowance("native/src/sim/reader.rs", "progress", "the part of a file that was read, for a progress bar"),
    Allowance("native/src/sim/report.rs", "report", "seconds, as a report shows them; money is decimal strings"),
]
PRUNING = "a price for pruning and first guesses; no amount comes of it"
FLOATS_ALLOWED += [
    Allowance(f"native/src/searcher/pools/{path}", item, PRUNING)
    for path, item in (
        ("mod.rs", "*"), ("v2.rs", "spot_price"), ("v4.rs", "spot_price"), ("solidly.rs", "spot_price"),
        ("v3/mod.rs", "spot_price"), ("v3/concentrated.rs", "spot_price"), ("v3/wide.rs", "as_f64"),
        ("curve/crypto.rs", "spot_price"), ("curve/crypto_math.rs", "price"), ("curve/stable.rs", "spot_price"),
        ("curve/stable_math.rs", "price"), ("curve/stable_math.rs", "a_of"), ("balancer/weighted.rs", "spot_price"),
        ("balancer/stable.rs", "spot_price"), ("checked.rs", "float"),
    )
]  # fmt: skip

EDGES_ALLOWED = [
    Allowance("native/src/clock.rs", "*", "the stopwatch of hooks and reports; no time that decides is read here"),
    Allowance("native/src/py/features.rs", "*", "times a benchmark of the features, called by nobody else"),
    Allowance("native/src/net/stream.rs", "*", "the socket itself; it decides nothing and is told the time"),
    Allowance("native/src/net/link.rs", "*", "which address to dial next, as the resolver gave them"),
    Allowance("native/src/net/resolve.rs", "*", "asks the system for the addresses of a name"),
    Allowance("native/src/searcher/pools/v3/tests.rs", "*", "a long run of a proof says how many cases it wants"),
    Allowance("native/src/live/handle/tests.rs", "*", "a proof waits for a thread to end; nothing decides here"),
]

PYTHON_EDGES_ALLOWED = {
    "cex/venues/binance_auth.py": "writes a query as it is signed; nothing is opened",
    "cex/venues/binance_client.py": "asks the venue before a lane starts, over HTTP and by the clock",
    "searcher/daemon.py": "watches the lanes' threads, and counts a deadline of stopping",
    "searcher/demo.py": "runs an exchange and a daemon for a time, with throw-away keys",
    "searcher/demo_truth.py": "reads a page, whose age is reckoned from the host's clock",
    "searcher/keys.py": "secrets are in environment variables that a person names",
    "searcher/keystore.py": "salts and nonces must not be guessed",
    "searcher/lane_page.py": "a lane is stale by the host's clock",
    "searcher/live_config.py": "takes URLs apart; SEARCHER_STATE names the place of state folders",
    "searcher/preflight.py": "measures the venue's clock against the host's",
    "searcher/status.py": "renews what a person watches, and waits for lanes",
    "native/compiler.py": "the folder of compiled kernels may be moved with SEARCHER_CACHE",
    "risk/killswitch.py": "a person acts here: the log needs the hour and the login, SEARCHER_SWITCH the place",
    "cex/sim/clock.py": "the clock of the loopback exchange, which is a process of its own",
    "cex/sim/link.py": "a connection of the loopback exchange: it sends, pings and delays",
    "cex/sim/rest.py": "reads queries; a lost request waits for ever",
    "cex/sim/server.py": "the sockets of the loopback exchange",
    "cex/sim/tls.py": "makes a certificate that is good from today",
    "searcher/sim.py": "serves until a signal comes; keys are in the environment",
    "cex/sim/faults.py": "draws misbehaviour from a seed that is an argument",
    "cex/sim/flow.py": "draws a synthetic order flow from a seed that is an argument",
    "searcher/generate.py": "draws its feed latency from a seed that is an argument",
}


def _tracked() -> dict[str, bytes]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return {n: (ROOT / n).read_bytes() for n in names.split("\0") if n and (ROOT / n).is_file()}


try:
    TRACKED = _tracked()
except (OSError, subprocess.CalledProcessError):
    pytest.skip("the house is checked in a git clone", allow_module_level=True)


def _texts(*suffixes: str) -> dict[str, str]:
    return {p: b.decode() for p, b in TRACKED.items() if p.endswith(suffixes)}


RUST = {p: t for p, t in _texts(".rs").items() if p.startswith("native/src/")}
PYTHON = {p: t for p, t in _texts(".py").items() if p.startswith(rules.ROOMS)}

BAD: list[tuple[Callable[[str, str], list[str]], str, str]] = [
    (rules.rust_floats, "native/src/units.rs", "fn f() -> f64 { 1 }"),
    (rules.rust_floats, "native/src/units.rs", "let x = 1_f32;"),
    (rules.rust_floats, "native/src/units.rs", "let x = 0.5;"),
    (rules.rust_floats, "native/src/units.rs", "const C: char = '\"'; let x: f64; // \""),
    (rules.rust_edges, "native/src/lane.rs", "let t = Instant::now();"),
    (rules.rust_edges, "native/src/lane.rs", "use std::env;"),
    (rules.rust_edges, "native/src/lane.rs", "use std::net::TcpStream;"),
    (rules.rust_edges, "native/src/lane.rs", "let x = rand::random();"),
    (rules.rust_unsafe, "native/src/ring.rs", "#![allow(unsafe_code)]\nuse x;"),
    (rules.rust_unsafe, "native/src/ring.rs", "fn f() {\n    unsafe { g() }\n}"),
    (rules.rust_pyo3, "native/src/lane.rs", "use pyo3::prelude::*;"),
    (rules.python_floats, "risk/limits.py", "x = 0.5"),
    (rules.python_floats, "risk/limits.py", "def f(x: float) -> None: ..."),
    (rules.python_floats, "risk/limits.py", "x = 1 / 2"),
    (rules.python_edges, "risk/limits.py", "import time"),
    (rules.python_edges, "risk/limits.py", "from random import choice"),
    (rules.python_edges, "risk/limits.py", "import os\nx = os.environ['A']"),
    (rules.python_edges, "risk/limits.py", "from os import environ"),
    (rules.python_edges, "risk/limits.py", "import numpy as np\nx = np.random.default_rng(1)"),
    (rules.python_edges, "risk/limits.py", "from datetime import datetime\nx = datetime.now()"),
    (rules.too_long, "cex/a.py", "x = 1\n" * 501),
    (rules.machine_traces, "a.md", "see " + "/wo" + "rk/x"),
    (rules.machine_traces, "a.md", "https://py" + "pi.org/simple"),
    (rules.machine_traces, "requirements.txt", "--find" + "-links x"),
    (rules.machine_traces, "Cargo.lock", 'path = "/ho' + 'me/me/x"'),
    (lambda p, t: rules.not_source(p, t.encode()), "cex/day.gz", ""),
    (lambda p, t: rules.not_source(p, t.encode()), "cex/__pycache__/a.py", ""),
    (lambda p, t: rules.not_source(p, t.encode()), "cex/a.py", "\0"),
    (lambda p, t: rules.not_source(p, t.encode()), "cex/a.py", "x" * 500_000),
    (lambda _, t: rules.nouns_missing(t), "README.md", "## Glossary\n| **Frame** | bytes |\n"),
    (lambda _, t: rules.map_differs(t, ["cex/a.py"]), "README.md", "no map"),
]


@pytest.mark.parametrize(("rule", "path", "sample"), BAD)
def test_a_rule_catches_a_breach(rule: Callable[[str, str], list[str]], path: str, sample: str) -> None:
    assert rule(path, sample)


GOOD: list[tuple[Callable[[str, str], list[str]], str, str]] = [
    (rules.rust_floats, "native/src/units.rs", "// an f64\nlet s = \"0.5 f64\"; let y = x.0.1; let r = 0..5;"),
    (rules.rust_floats, "native/src/units.rs", "#[cfg(test)]\nmod tests { fn f() { let x = 0.5; } }\n"),
    (rules.rust_edges, "native/src/lane.rs", "let clock = frame.recv_ns; // Instant::now"),
    (rules.rust_unsafe, "native/src/ring.rs", "// The view is shared with compiled code.\n#![allow(unsafe_code)]"),
    (rules.rust_unsafe, "native/src/ring.rs", "// SAFETY: g has no preconditions.\nunsafe { g() }"),
    (rules.rust_pyo3, "native/src/py/mod.rs", "use pyo3::prelude::*;"),
    (rules.python_edges, "risk/limits.py", "def f(time_ns: int) -> int:\n    return time_ns // 2"),
    (rules.machine_traces, "Cargo.lock", "source = \"registry+https://github.com/rust-lang/crates.io-index\""),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "path", "sample"), GOOD)
def test_a_rule_leaves_good_code_alone(rule: Callable[[str, str], list[str]], path: str, sample: str) -> None:
    assert rule(path, sample) == []


def test_an_allowance_covers_its_function_only_and_goes_when_unused() -> None:
    source = "impl A {\n  fn a(self) -> f64 { 0.5 }\n  fn b() -> f64 { 1.5 }\n}\n"
    allowed = [Allowance("a.rs", "a", "because")]
    assert rules.rust_floats("a.rs", source, allowed) == ["a.rs:3: f64", "a.rs:3: 1.5"]
    assert rules.unused_allowances({"a.rs": source}, rules.RUST_FLOAT, allowed) == []
    assert rules.unused_allowances({"a.rs": "fn a() {}"}, rules.RUST_FLOAT, allowed) != []


def test_the_map_is_compared_both_ways() -> None:
    readme = (
        "## Rooms\n\n```\n"
        "cex/         TRADES\n  a.py b.py  two files\n  venues/    dialects\n    x.py     one\n"
        "tests/       PROVES\n```\n"
    )
    tree = ["cex/__init__.py", "cex/a.py", "cex/b.py", "cex/venues/x.py", "tests/test_a.py", "Makefile"]
    assert rules.map_differs(readme, tree) == []
    assert rules.map_differs(readme, [p for p in tree if p != "cex/b.py"]) == [
        "cex/b.py: listed in the README, not on the disk"
    ]
    assert rules.map_differs(readme, [*tree, "risk/limits.py"]) == [
        "risk/: on the disk, not in the README",
        "risk/limits.py: on the disk, not in the README",
    ]
    assert rules.map_differs(readme.replace("b.py", "b.py a.py"), tree) == ["cex/a.py: listed twice"]


@pytest.mark.parametrize("bad", ["native/x.py: from risk import y", "cex/x.py: import bundles"])
def test_an_arrow_that_points_up_is_found(bad: str, tmp_path: Path) -> None:
    path, statement = bad.split(": ")
    for room in rules.ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
    (tmp_path / "risk" / "y.py").touch()
    (tmp_path / path).write_text(f"{statement}\n")
    (tmp_path / "pyproject.toml").write_bytes(TRACKED["pyproject.toml"])
    assert "BROKEN" in _lint_imports(tmp_path, 1)


def _lint_imports(where: Path, code: int) -> str:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_arrows_between_the_rooms_point_down() -> None:
    _lint_imports(ROOT, 0)


def test_no_source_file_is_over_the_cap() -> None:
    checked = {p: t for p, t in _texts(".py", ".rs").items() if not p.startswith("tests/")}
    assert len(checked) > 40
    assert [b for p, t in checked.items() for b in rules.too_long(p, t)] == []


def test_money_is_integers() -> None:
    money = {p: t for p, t in RUST.items() if p.startswith(MONEY_RUST)}
    assert len(money) >= len(MONEY_RUST)
    assert [b for p, t in money.items() for b in rules.rust_floats(p, t, FLOATS_ALLOWED)] == []
    assert rules.unused_allowances(money, rules.RUST_FLOAT, FLOATS_ALLOWED) == []
    ledger = {p: t for p, t in PYTHON.items() if p.startswith(MONEY_PYTHON)}
    assert ledger
    assert [b for p, t in ledger.items() for b in rules.python_floats(p, t)] == []


def test_what_decides_reads_no_clock_socket_environment_or_chance() -> None:
    assert [b for p, t in RUST.items() for b in rules.rust_edges(p, t, EDGES_ALLOWED)] == []
    assert rules.unused_allowances(RUST, rules.RUST_EDGE, EDGES_ALLOWED) == []
    inside = {p: t for p, t in PYTHON.items() if p not in PYTHON_EDGES_ALLOWED}
    assert [b for p, t in inside.items() for b in rules.python_edges(p, t)] == []
    assert [p for p in PYTHON_EDGES_ALLOWED if not rules.python_edges(p, PYTHON[p])] == []


def test_every_allowance_says_why() -> None:
    reasons = [a.reason for a in (*FLOATS_ALLOWED, *EDGES_ALLOWED)] + list(PYTHON_EDGES_ALLOWED.values())
    assert [r for r in reasons if len(r.split()) < 4] == []


def test_unsafe_has_its_reason() -> None:
    assert "#![deny(unsafe_code)]" in RUST["native/src/lib.rs"]
    assert [b for p, t in RUST.items() for b in rules.rust_unsafe(p, t)] == []


def test_pyo3_is_named_only_at_the_seam() -> None:
    others = {p: t for p, t in RUST.items() if p != "native/src/lib.rs"}
    assert [b for p, t in others.items() for b in rules.rust_pyo3(p, t)] == []


def test_nothing_of_a_machine_or_a_registry_is_tracked() -> None:
    own = {"tests/house_rules.py"}  # names what it looks for
    assert [b for p, c in TRACKED.items() if p not in own for b in rules.machine_traces(p, c.decode())] == []


def test_only_sources_are_tracked() -> None:
    assert [b for p, c in TRACKED.items() for b in rules.not_source(p, c)] == []


def test_the_readme_map_is_the_disk() -> None:
    assert rules.map_differs(TRACKED["README.md"].decode(), TRACKED) == []


def test_every_noun_is_in_the_glossary() -> None:
    assert rules.nouns_missing(TRACKED["README.md"].decode()) == []
