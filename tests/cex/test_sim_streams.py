"""Market streams: a client that keeps its book by the venue's rules has the exchange's own."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from cex.sim.market import FlowMarket
from searcher.generate import write_day
from tests.cex.simulated import Client, Json, Socket, on_exchange

VENUES = pytest.mark.parametrize("futures", [False, True], ids=["spot", "usdm"])


class Naive:
    """A book kept by "How to manage a local order book correctly", with `tops` as of each update id."""

    def __init__(self, futures: bool, snapshot: Json) -> None:
        self.futures, self.id = futures, snapshot["lastUpdateId"]
        self.sides: list[dict[str, str]] = [dict(snapshot["bids"]), dict(snapshot["asks"])]
        self.first = True
        self.tops: dict[int, tuple[str, str]] = {}

    def apply(self, e: Json) -> bool:
        """False: a gap, start again."""
        if e["u"] < self.id or (not self.futures and e["u"] == self.id):
            return True
        follows = e["pu"] == self.id if self.futures else e["U"] == self.id + 1
        spans = e["U"] <= self.id + (not self.futures) and self.id <= e["u"]
        if not (spans if self.first else follows):
            return False
        self.first, self.id = False, e["u"]
        for side, levels in zip(self.sides, (e["b"], e["a"]), strict=True):
            for px, qty in levels:
                if Decimal(qty):
                    side[px] = qty
                else:
                    side.pop(px, None)
        self.tops[self.id] = (max(self.sides[0], key=Decimal), min(self.sides[1], key=Decimal))
        return True


async def follow(c: Client, ws: Socket, stream: str, events: int) -> tuple[Naive, int]:
    """Keeps a book for so many events; returns it and how often it had to start again."""
    path = "/fapi/v1/depth" if c.x.futures else "/api/v3/depth"
    restarts = -1
    book: Naive | None = None
    done = 0
    while done < events:
        message = await ws.read(5.0)
        if message["stream"] != stream:
            continue
        if book is None or not book.apply(message["data"]):
            restarts += 1
            book = Naive(c.x.futures, await c.get(path, symbol="BTCUSDT", limit=1000))
            while not book.apply(message["data"]):
                message = await ws.until(lambda m: m["stream"] == stream)
        done += 1
    assert book is not None
    return book, restarts


def truth(path: Path) -> list[tuple[int, str, str]]:
    return [(u, bid, ask) for _, u, bid, _, ask, _ in map(orjson.loads, path.read_bytes().splitlines())]


def check_tops(book: Naive, tops: list[tuple[int, str, str]]) -> None:
    """Each best price the client had is what the exchange had written for that id."""
    assert len(book.tops) > 20
    for update, top in book.tops.items():
        known = [t for t in tops if t[0] <= update]
        assert known[-1][1:] == top, update


@VENUES
def test_a_naive_client_has_the_books_of_the_exchange(futures: bool, tmp_path: Path) -> None:
    tops = tmp_path / "tops.jsonl"

    async def body(c: Client) -> None:
        ws = await c.socket("/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker/btcusdt@trade")
        book, restarts = await follow(c, ws, "btcusdt@depth@100ms", 60)
        assert restarts == 0
        check_tops(book, truth(tops))
        c.x.freeze(10**9)
        async with asyncio.timeout(3):
            own = await c.get("/sim/book", symbol="BTCUSDT")
            c.x.markets["BTCUSDT"].flush(c.x.clock.now_ns() + 10**9)  # the last changes, too
            while book.id < own["lastUpdateId"]:
                assert book.apply((await ws.until(lambda m: "depth" in m["stream"]))["data"])
        assert book.tops[book.id] == (own["bid"], own["ask"])
        assert book.sides[0][own["bid"]] == own["bidQty"]
        whole = await c.get("/fapi/v1/depth" if futures else "/api/v3/depth", symbol="BTCUSDT", limit=500)
        near = {px: qty for px, qty in book.sides[0].items() if Decimal(px) >= Decimal(whole["bids"][-1][0])}
        assert near == dict(whole["bids"])

    on_exchange(futures, body, speed=10, rate=0.3, tops=tops)


def test_each_depth_stream_has_a_chain_of_its_own() -> None:
    async def body(c: Client) -> None:
        ws = await c.socket("/stream?streams=btcusdt@depth@100ms/btcusdt@depth/btcusdt@depth@500ms")
        last: dict[str, int] = {}
        counts: dict[str, int] = {}
        for _ in range(80):
            m = await ws.read()
            stream, e = m["stream"], m["data"]
            assert last.get(stream, e["pu"]) == e["pu"] == e["U"] - 1
            last[stream], counts[stream] = e["u"], counts.get(stream, 0) + 1
        fast, middle, slow = (counts[f"btcusdt@depth{every}"] for every in ("@100ms", "", "@500ms"))
        assert fast > 1.8 * middle > 1.8 * 1.5 * slow

    on_exchange(True, body, speed=20, rate=0.2)


@VENUES
def test_messages_are_of_the_venues_form(futures: bool) -> None:
    async def body(c: Client) -> None:
        ws = await c.socket("/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker/btcusdt@trade")
        seen: dict[str, set[str]] = {}
        while len(seen) < 3:
            m = await ws.read()
            seen[m["stream"].partition("@")[2]] = set(m["data"])
        own = {"E", "T"} if futures else set()
        assert seen["bookTicker"] == {"u", "s", "b", "B", "a", "A"} | ({"e"} | own if futures else set())
        assert seen["depth@100ms"] == {"e", "E", "s", "U", "u", "b", "a"} | ({"T", "pu"} if futures else set())
        assert seen["trade"] == {"e", "E", "T", "s", "t", "p", "q", "m"} | ({"X"} if futures else {"M"})

    on_exchange(futures, body, speed=10, rate=0.5)


def test_subscribing_unsubscribing_and_asking() -> None:
    async def body(c: Client) -> None:
        ws = await c.socket("/ws")
        await ws.ws.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 1})
        assert await ws.read() == {"result": None, "id": 1}
        assert "stream" not in await ws.read()  # raw, not combined
        await ws.ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
        assert (await ws.until(lambda m: m.get("id") == 2))["result"] == ["btcusdt@bookTicker"]
        await ws.ws.send_json({"method": "UNSUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 3})
        assert await ws.until(lambda m: m.get("id") == 3) == {"result": None, "id": 3}
        await ws.ws.send_json({"method": "WISH", "id": 4})
        assert (await ws.read())["error"]["code"] == 2
        many = "/".join(f"s{i}usdt@trade" for i in range(1025))
        await asyncio.sleep(1.05)
        await ws.ws.send_json({"method": "SUBSCRIBE", "params": many.split("/"), "id": 5})
        assert (await ws.read())["error"] == {"code": 4, "msg": "Too many streams"}
        for n in range(8):  # five messages a second are allowed
            await ws.ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": n})
        await ws.ended()

    on_exchange(False, body, rate=1.0)


@VENUES
def test_a_recorded_market_is_sent_again_and_its_seam_is_one_event(futures: bool, tmp_path: Path) -> None:
    day, tops = tmp_path / "day.gz", tmp_path / "tops.jsonl"
    write_day(day, 4, 3, "binance_usdm" if futures else "binance_spot")

    async def body(c: Client) -> None:
        first_id = c.x.markets["BTCUSDT"].last_id
        ws = await c.socket("/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker/btcusdt@trade")
        events = 140 if futures else 70  # more than there are in the recording
        book, restarts = await follow(c, ws, "btcusdt@depth@100ms", events)
        assert restarts == 0
        assert book.id > first_id
        check_tops(book, truth(tops))

    on_exchange(futures, body, speed=10, recording=day, tops=tops)


def test_the_same_seed_gives_the_same_market() -> None:
    class Quiet:
        futures = True

        def __init__(self) -> None:
            self.told: list[Any] = []

        def on_depth(self, *what: Any) -> None:
            self.told.append(what[1:4])

        def on_snapshot(self, *what: Any) -> None: ...
        def on_trade(self, *what: Any) -> None:
            self.told.append(what[1:4])

        def on_top(self, *what: Any) -> None: ...
        def venue_ms(self, ns: int) -> int:
            return 0

        def wanted(self, stream: str) -> bool:
            return False

        def publish(self, stream: str, payload: bytes, what: str) -> None: ...

    from cex.sim.symbols import listed

    symbol = listed(True, ["BTCUSDT"])["BTCUSDT"]
    runs = []
    for seed in (1, 1, 2):
        venue = Quiet()
        FlowMarket(symbol, venue, seed, 1.0, 0).advance(10**12, 300)
        runs.append(venue.told)
    assert runs[0] == runs[1] != runs[2]
