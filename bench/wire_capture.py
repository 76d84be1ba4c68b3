"""Packets of one TCP port on the loopback interface, and what they say about reaction times.

`Sniffer` reads an AF_PACKET socket (Linux; needs root or CAP_NET_RAW) that a filter in the kernel restricts to the
port. Each packet carries the time at which the kernel passed it through the interface (SO_TIMESTAMPNS), so it does not
matter when the sniffer gets to read it: it sleeps most of the time and takes little from what it measures. The
interface shows each packet twice, going out and coming in; only the latter is taken.

`reactions` is pure: packets in, latencies out. The rules it counts by:

- A connection is a client's port, and what it is for is in the request that opened it: a path of `/ws-api` is for
  orders, one of `/stream` or `/ws` is for market data.
- A burst begins with a market packet from the exchange after at least `QUIET_NS` without one. It counts when it begins
  with a depth update (a trade alone does not change the touch by itself).
- Its answer is the client's first packet on an order connection that carries an order request, if it comes before the
  next burst. A client masks what it sends (RFC 6455, 5.3); the mask's key is in the frame, so the method is read.
- A burst is `mixed` when the exchange said something on an order connection between it and its answer: the
  answer may then be one to a fill or an acknowledgement, so it is counted and left out of the latencies.
"""

import ctypes
import socket
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType

QUIET_NS = 1_000_000
#: Masked, so at least a header of 6 bytes; pongs and the like are shorter than any order request.
LEAST_REQUEST_BYTES = 50
#: Bytes of a packet that are kept: the longest order request has about 600.
SNAP_BYTES = 2048
BUFFER_BYTES = 64 << 20

ETH_P_IP, SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING = 0x0800, 263, 6, 23
SO_TIMESTAMPNS, SO_RCVBUFFORCE, SO_ATTACH_FILTER = 35, 33, 26


class CaptureRefused(OSError):
    """The system does not let this process read packets."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A TCP packet with a payload. `client` is the port that is not the exchange's."""

    time_ns: int
    client: int
    from_client: bool
    #: Bytes of payload on the wire, of which `payload` holds the first.
    length: int
    payload: bytes


class Filter:
    """The kernel's classic packet filter: IPv4, TCP, one port at either end (as `tcpdump -dd tcp port N` writes it)."""

    def __init__(self, port: int) -> None:
        code = [
            (0x28, 0, 0, 12), (0x15, 0, 8, ETH_P_IP), (0x30, 0, 0, 23), (0x15, 0, 6, socket.IPPROTO_TCP),
            (0xB1, 0, 0, 14), (0x48, 0, 0, 14), (0x15, 2, 0, port), (0x48, 0, 0, 16), (0x15, 0, 1, port),
            (0x06, 0, 0, SNAP_BYTES), (0x06, 0, 0, 0),
        ]  # fmt: skip
        self._code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *c) for c in code))
        self.program = struct.pack("HL", len(code), ctypes.addressof(self._code))


def parse(data: bytes, time_ns: int, port: int) -> Packet | None:
    """A packet as the loopback interface shows it; None without a payload."""
    header = 14 + (data[14] & 15) * 4
    total = int.from_bytes(data[16:18], "big")
    source, target = struct.unpack_from(">HH", data, header)
    start = header + (data[header + 12] >> 4) * 4
    length = 14 + total - start
    if length <= 0:
        return None
    from_client = target == port
    return Packet(time_ns, source if from_client else target, from_client, length, data[start : 14 + total])


class Sniffer:
    """Packets of one port, from when it is entered. `packets` grows with each `drain`."""

    def __init__(self, port: int) -> None:
        self.port, self.packets, self.dropped = port, list[Packet](), 0

    def __enter__(self) -> "Sniffer":
        """Raises `CaptureRefused`."""
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        except (OSError, AttributeError) as e:
            raise CaptureRefused(
                f"no packets can be captured here ({e}): it takes Linux and root or CAP_NET_RAW"
            ) from e
        self._filter = Filter(self.port)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, self._filter.program)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self._socket.bind(("lo", ETH_P_IP))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def drain(self) -> None:
        """Takes what has been captured since the last call."""
        while True:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(SNAP_BYTES, 64)
            except BlockingIOError:
                break
            for level, kind, value in ancillary:
                if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                    seconds, ns = struct.unpack("qq", value)
                    if packet := parse(data, seconds * 1_000_000_000 + ns, self.port):
                        self.packets.append(packet)
        _, dropped = struct.unpack("II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self.dropped += dropped  # the kernel counts from zero after each reading


def messages(payload: bytes) -> Iterator[bytes]:
    """What the websocket frames at the start of a packet hold, unmasked; the last may be cut off."""
    while len(payload) >= 2:
        masked, length, at = payload[1] & 0x80, payload[1] & 0x7F, 2
        if length >= 126:
            wide = 2 if length == 126 else 8
            length, at = int.from_bytes(payload[at : at + wide], "big"), at + wide
        key, at = (payload[at : at + 4], at + 4) if masked else (b"", at)
        text, payload = payload[at : at + length], payload[at + length :]
        if len(key) == 4:
            stretched = (key * (len(text) // 4 + 1))[: len(text)]
            text = (int.from_bytes(text, "big") ^ int.from_bytes(stretched, "big")).to_bytes(len(text), "big")
        yield text


def order_method(packet: Packet) -> str | None:
    """The method of the first order request in a client's packet, such as `order.place`."""
    if packet.length <= LEAST_REQUEST_BYTES or packet.payload.startswith(b"GET "):
        return None
    for text in messages(packet.payload):
        _, found, rest = text.partition(b'"order.')
        if found:
            return "order." + rest.partition(b'"')[0].decode("ascii", "replace")
    return None


@dataclass(slots=True)
class Reactions:
    """Of one client's turn. Latencies in nanoseconds, first packet of the burst to packet of the order."""

    latencies_ns: list[int] = field(default_factory=list)
    #: Bursts that begin with depth; those answered are among them, and of those the mixed ones.
    bursts: int = 0
    answered: int = 0
    mixed: int = 0
    #: Bursts that begin with something else, such as a trade.
    others: int = 0
    #: First order requests by their method, of the bursts that count.
    methods: Counter[str] = field(default_factory=Counter)


def reactions(packets: Iterable[Packet], settle_ns: int = 0) -> Reactions:
    """Counts as the module says, from `settle_ns` after the first order request on."""
    found, roles = Reactions(), dict[int, str]()
    counts_from: int | None = None
    last_market_ns = burst_ns = 0
    waiting = mixed = False
    for packet in packets:
        if packet.from_client and packet.payload.startswith(b"GET "):
            path = packet.payload.split(b" ", 2)[1]
            roles[packet.client] = "orders" if path.startswith(b"/ws-api") else "market"
            if not path.startswith((b"/ws", b"/stream")):
                roles[packet.client] = "rest"
            continue
        match roles.get(packet.client), packet.from_client:
            case "market", False if not packet.payload.startswith(b"HTTP/"):
                quiet = packet.time_ns - last_market_ns >= QUIET_NS
                last_market_ns = packet.time_ns
                if not quiet:
                    continue
                waiting = mixed = False
                if counts_from is None or packet.time_ns < counts_from:
                    continue
                if b"@depth" in packet.payload[:64]:
                    found.bursts += 1
                    waiting, burst_ns = True, packet.time_ns
                else:
                    found.others += 1
            case "orders", False:
                mixed = mixed or waiting
            case "orders", True:
                method = order_method(packet)
                if method is None:
                    continue
                if counts_from is None:
                    counts_from = packet.time_ns + settle_ns
                if waiting:
                    waiting = False
                    found.answered += 1
                    found.mixed += mixed
                    if not mixed:
                        found.methods[method] += 1
                        found.latencies_ns.append(packet.time_ns - burst_ns)
    return found
