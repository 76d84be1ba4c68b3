# demo   trade with a loopback exchange on this host and show it live; Ctrl-C ends flat (DEMO_SECONDS=60: by itself)
# replay replay a recorded day (or a synthetic one) and show its report
# test   everything that is proved: cargo test, then pytest
# check  format, lint, types, stub, arrows between the rooms
# bench  speed of the replay, side by side with its peers, in one run
# bench-wire  tick on the wire to order on the wire, beside FastMM; Linux, root
# bench-scale  one lane with 1 to 1,000 instruments
# bench-chain  quotes, sizes, searches and simulation beside peers' crates and real bytecode; compiles for ten minutes
# chaos  every proof of a live session at its full count: kill -9, misbehaviour, halts, countdown; about an hour
# fills  our fills beside hftbacktest's on the same recorded day; fails where no fill rule explains a difference
# artifacts  real contract bytecode and a local chain from npm, for the differential tests alone (test does this)
# build  the environment (.venv) and the native module; every other target does this itself
# clean  forget the environment and what was built

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := build
.PHONY: build demo replay test check bench bench-wire bench-scale bench-chain chaos fills clean tools artifacts

export PATH := $(PATH):$(HOME)/.cargo/bin
export PYO3_PYTHON := $(CURDIR)/.venv/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1

BIN := .venv/bin
DATA := $(or $(SEARCHER_DATA),../shared/data)
DAY := $(DATA)/binance/usdm_btcusdt_20240808.gz
NATIVE := $(shell find native/src -name '*.rs') Cargo.toml Cargo.lock native/Cargo.toml pyproject.toml

# The newest Python of 3.11 or later on the path; empty if there is none.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)

tools:
	@[ -n "$(PYTHON)" ] || { echo "missing: python3 >= 3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { echo "missing: the venv module of $(PYTHON) (on Debian: python3-venv)" >&2; exit 1; }
	@cargo --version >/dev/null 2>&1 || { echo "missing: cargo, a Rust toolchain >= 1.94.1 (rustup.rs)" >&2; exit 1; }
	@command -v cc >/dev/null || { echo "missing: cc, a C compiler and linker (on Debian: build-essential)" >&2; exit 1; }

.venv/deps.stamp: requirements.txt | tools
	@[ -x $(BIN)/python ] || "$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	@touch $@

# Every dependency is already there, so maturin's own call of pip has nothing to fetch.
.venv/native.stamp: .venv/deps.stamp $(NATIVE) | tools
	env -u CONDA_PREFIX VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/maturin develop --release
	@touch $@

build: .venv/native.stamp

# Real contract bytecode and a local chain, for the differential tests alone.
artifacts:
	@if command -v npm >/dev/null && node -e 'process.exitCode = +(parseInt(process.versions.node) < 20)'; then \
		[ tests/chain/node_modules/.package-lock.json -nt tests/chain/package-lock.json ] || \
			npm ci --prefix tests/chain --no-progress >/dev/null || \
			echo "npm could not fetch the packages of tests/chain: the tests against real bytecode are skipped"; \
	else echo "Node 20+ with npm is not here: the differential tests against real bytecode are skipped"; fi

test: build artifacts
	cargo test --quiet
	$(BIN)/python -m pytest -q

check: build
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	cargo fmt --check
	cargo clippy --quiet --all-targets -- -D warnings
	cargo clippy --quiet --all-targets --features python -- -D warnings
	$(BIN)/python -m mypy.stubtest native._core
	$(BIN)/lint-imports

demo: build
	@$(BIN)/searcher demo

out/replay/config.toml: searcher/starter.py | build
	@rm -rf out/replay
	@$(BIN)/searcher init out/replay >/dev/null

replay: build out/replay/config.toml
	@day="$(DAY)"; \
	if [ ! -r "$$day" ]; then \
		echo "No recorded day at $$day: making a synthetic one (seed 7)."; \
		day=out/synthetic.gz; $(BIN)/searcher generate $$day --seconds 300 --seed 7; \
	fi; \
	$(BIN)/searcher replay "$$day" --config out/replay/config.toml \
		--strategy cex.strategies.market_maker:MarketMaker --html out/report.html
	@if [ "$$(uname)" = Darwin ]; then open out/report.html; \
	elif [ -n "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ] && command -v xdg-open >/dev/null; then xdg-open out/report.html; \
	else echo "Report: file://$(CURDIR)/out/report.html"; fi

# The peers run in an environment of their own, bench/.venv, which this makes from bench/requirements.txt.
bench: build
	SEARCHER_DATA="$(DATA)" $(BIN)/python -m bench.run

bench-wire: build
	$(BIN)/python -m bench.wire

bench-scale: build
	SEARCHER_DATA="$(DATA)" $(BIN)/python -m bench.scale

# degenbot's crates ask for Rust 1.97 and compile with less.
bench-chain: artifacts | tools
	@mkdir -p out
	cd bench/chain && SEARCHER_ARTIFACTS="$(CURDIR)/tests/chain/node_modules" \
		cargo run --release --locked --ignore-rust-version -- --json "$(CURDIR)/out/bench-chain.json"

chaos: build
	$(BIN)/python -m tests.chaos.kill9 --runs 100
	$(BIN)/python -m tests.chaos.storm --runs 1
	$(BIN)/python -m tests.chaos.halts --runs 1000
	$(BIN)/python -m tests.chaos.countdown --runs 20
	$(BIN)/python -m tests.chaos.fastmm --runs 10

fills: build
	@if [ -r "$(DAY)" ]; then SEARCHER_DATA="$(DATA)" $(BIN)/python -m bench.fills; \
	else echo "fills skipped: no recorded day at $(DAY) (SEARCHER_DATA names its folder)"; fi

clean:
	rm -rf .venv bench/.venv bench/chain/target target out native/_core*.so
