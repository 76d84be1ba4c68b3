"""The floor's turn of the wire benchmark: a bare loop that answers each burst with a request signed beforehand.

usage: python -m bench.wire_floor PORT CPU SECONDS

It opens the connections as an engine would, by the venue's protocol, and then leaves them to native code. The request
is an order far from the market that lives no longer than its own execution (IOC), so it can be sent again and again.
"""

import base64
import json
import os
import secrets
import socket
import sys
import time

from bench.wire_capture import QUIET_NS
from bench.wire_exchange import SYMBOL, signed
from native import _core

HOST = "127.0.0.1"


def frame(text: bytes) -> bytes:
    """A masked text frame (RFC 6455, 5.2) of up to 65,535 bytes. The key is 0, so the bytes stay what they are."""
    length = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + text


def connect(port: int, path: str) -> socket.socket:
    """A websocket after its handshake. Raises ConnectionError when the exchange declines."""
    s = socket.create_connection((HOST, port), timeout=5)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    s.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = s.recv(1)  # byte by byte, so that no frame is read away
        if not part:
            break
        answer += part
    if b" 101 " not in answer.split(b"\r\n", 1)[0]:
        raise ConnectionError(f"{path}: {answer[:200]!r}")
    return s


def order() -> bytes:
    """The frame of an order that rests nowhere."""
    params = {
        "symbol": SYMBOL,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "IOC",
        "price": "30000.00",
        "quantity": "0.00100",
        "timestamp": int(time.time() * 1000),
        "recvWindow": 60000,
    }
    return frame(json.dumps({"id": "floor", "method": "order.place", "params": signed(params)}).encode())


def main() -> None:
    """Answers for so long."""
    port, cpu, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    name = SYMBOL.lower()
    market = connect(port, f"/stream?streams={name}@depth@100ms/{name}@bookTicker/{name}@trade")
    orders = connect(port, "/ws-api/v3")
    os.sched_setaffinity(0, {cpu})
    answers = _core.bench_answer_bursts(market.fileno(), orders.fileno(), order(), QUIET_NS, round(seconds * 1e9))
    print(json.dumps({"answers": answers}))


if __name__ == "__main__":
    main()
