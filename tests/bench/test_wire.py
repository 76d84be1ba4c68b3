"""What the wire benchmark counts: on made-up packets, and on real ones of the loopback interface."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.wire import is_disturbed, report
from bench.wire_capture import CaptureRefused, Packet, Reactions, Sniffer, messages, order_method, reactions
from bench.wire_floor import frame, order

US = 1000
MARKET, ORDERS = 40001, 40002
PLACE = json.dumps({"id": "1", "method": "order.place", "params": {"symbol": "BTCUSDT", "price": "1.0"}}).encode()


def masked(text: bytes, key: bytes = b"\x01\x80\x03\xff") -> bytes:
    body = bytes(b ^ key[n % 4] for n, b in enumerate(text))
    length = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
    return b"\x81" + length + key + body


def packet(at_us: int, client: int, from_client: bool, payload: bytes) -> Packet:
    return Packet(10**18 + at_us * US, client, from_client, len(payload), payload)


def opened() -> list[Packet]:
    return [
        packet(0, MARKET, True, b"GET /stream?streams=a HTTP/1.1\r\n\r\n"),
        packet(1, MARKET, False, b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        packet(2, ORDERS, True, b"GET /ws-api/v3 HTTP/1.1\r\n\r\n"),
        packet(3, ORDERS, True, masked(PLACE)),  # the first order: counting begins
    ]


def depth(at_us: int) -> Packet:
    return packet(at_us, MARKET, False, b'\x81\x7e\x01\x00{"stream":"btcusdt@depth@100ms","data":{')


def quote(at_us: int) -> Packet:
    return packet(at_us, MARKET, False, b'\x81\x7e\x00\x8b{"stream":"btcusdt@bookTicker","data":{')


def sent(at_us: int, text: bytes = PLACE) -> Packet:
    return packet(at_us, ORDERS, True, masked(text))


def test_the_answer_counts_from_the_first_packet_of_the_burst() -> None:
    found = reactions([*opened(), depth(20_000), quote(20_030), sent(20_100), sent(20_110)])
    assert (found.bursts, found.answered, found.latencies_ns) == (1, 1, [100 * US])
    assert found.methods == {"order.place": 1}


def test_what_comes_within_a_millisecond_begins_no_burst() -> None:
    found = reactions([*opened(), depth(20_000), depth(20_999), sent(21_050), depth(22_000), sent(22_010)])
    assert found.latencies_ns == [1_050 * US, 10 * US]


def test_a_burst_without_an_answer_is_over_when_the_next_begins() -> None:
    found = reactions([*opened(), depth(20_000), depth(40_000), sent(40_200)])
    assert (found.bursts, found.answered, found.latencies_ns) == (2, 1, [200 * US])


def test_an_answer_after_the_exchange_has_spoken_on_the_order_connection_is_mixed() -> None:
    report = packet(20_050, ORDERS, False, b'\x81\x7e\x01\x00{"subscriptionId":0,"event":{')
    found = reactions([*opened(), depth(20_000), report, sent(20_100)])
    assert (found.answered, found.mixed, found.latencies_ns) == (1, 1, [])


def test_a_burst_that_begins_with_a_trade_is_counted_apart() -> None:
    trade = packet(20_000, MARKET, False, b'\x81\x7e\x01\x00{"stream":"btcusdt@trade","data":{')
    found = reactions([*opened(), trade, depth(20_400), sent(20_500)])
    assert (found.others, found.bursts, found.latencies_ns) == (1, 0, [])


def test_nothing_counts_before_the_client_has_settled() -> None:
    found = reactions([*opened(), depth(20_000), sent(20_100), depth(60_000), sent(60_300)], settle_ns=50_000 * US)
    assert found.latencies_ns == [300 * US]


def test_only_order_requests_are_answers() -> None:
    account = json.dumps({"id": "2", "method": "account.status", "params": {"apiKey": "k" * 40}}).encode()
    found = reactions([*opened(), depth(20_000), packet(20_010, ORDERS, True, masked(b"")), sent(20_020, account)])
    assert (found.bursts, found.answered) == (1, 0)


def test_a_masked_payload_is_read_whatever_its_length() -> None:
    texts = [b"", b"a", b"x" * 125, b"y" * 126, b"z" * 70_000]
    joined = b"".join(masked(t) if len(t) < 1 << 16 else long_frame(t) for t in texts)
    assert list(messages(joined)) == texts
    cut = list(messages(masked(PLACE)[:60]))
    assert cut == [PLACE[:54]]


def long_frame(text: bytes) -> bytes:
    return b"\x81\xff" + len(text).to_bytes(8, "big") + bytes(4) + text


def test_two_requests_in_one_packet_are_one_answer_with_the_first_ones_method() -> None:
    cancel = PLACE.replace(b"order.place", b"order.cancel")
    both = Packet(0, ORDERS, True, 2, masked(cancel) + masked(PLACE))
    assert order_method(Packet(0, ORDERS, True, len(both.payload), both.payload)) == "order.cancel"


def test_the_floors_request_is_one_frame() -> None:
    (text,) = messages(order())
    request = json.loads(text)
    assert request["method"] == "order.place"
    assert len(request["params"]["signature"]) == 64
    assert next(messages(frame(b"short"))) == b"short"


@contextmanager
def exchange_that_says(lines: list[bytes]) -> Iterator[socket.socket]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            for line in lines:
                connection.sendall(line)
                connection.recv(1000)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener
    finally:
        thread.join(5)
        listener.close()


def test_real_packets_are_seen_once_each_with_their_times() -> None:
    lines = [b"first", b"second" * 1000, b"third"]
    with exchange_that_says(lines) as listener:
        port = listener.getsockname()[1]
        try:
            sniffer = Sniffer(port).__enter__()
        except CaptureRefused as e:
            socket.create_connection(("127.0.0.1", port)).close()
            pytest.skip(str(e))
        before_ns = time.time_ns()
        with socket.create_connection(("127.0.0.1", port)) as client:
            mine = client.getsockname()[1]
            for line in lines:
                got = 0
                while got < len(line):
                    got += len(client.recv(65_536))
                client.sendall(b"thanks for " + line[:5])
        after_ns = time.time_ns()
        sniffer.drain()
        sniffer.__exit__(None, None, None)
    packets = sniffer.packets
    assert sniffer.dropped == 0
    assert {p.client for p in packets} == {mine}
    assert [p.from_client for p in packets] == [False, True] * 3
    assert [p.length for p in packets if not p.from_client] == [len(line) for line in lines]
    assert [p.payload for p in packets if p.from_client] == [b"thanks for " + line[:5] for line in lines]
    times = [p.time_ns for p in packets]
    assert times == sorted(times)
    assert before_ns <= times[0] <= times[-1] <= after_ns


def turned(*latencies_us: int) -> list[Reactions]:
    return [Reactions(latencies_ns=[us * US] * 100, bursts=100, answered=100) for us in latencies_us]


def test_percentiles_over_the_floor_are_given_only_where_the_floor_is_one() -> None:
    quiet = {"floor": turned(30, 34), "FastMM": turned(104, 100), "ours": turned(54, 50)}
    assert not is_disturbed(quiet)
    assert "p50: ours / FastMM 0.52 on the wire, 0.29 over the floor's median" in report(quiet)
    busy = quiet | {"floor": turned(30, 400)}
    assert is_disturbed(busy)
    assert "over the floor's median" not in report(busy)
