"""The rule that decides, poll by poll, which orders are sent: the same source for both engines.

Everything is whole numbers: a poll's number, the touch in ticks, and a seed. Which polls act, and on which side, with
what kind, size and life, depends on the seed and the poll alone, so one differing fill changes no later order; prices
are set from the local book at that poll. `SLOTS` orders live at most at a time: slot `k` places one every `PERIOD[k]`
polls and cancels it, if it is still alive, `LIFE[k]` polls later. For `EPOCH` polls all orders are of one side, then
all are cancelled and the other side has its turn: the gate lets no order of ours meet another.
"""

POLL_MS = 10
#: Polls before the first order: 2 s, in which both sides have come to the same book.
FIRST_POLL = 200
SLOTS = 12
PERIOD = (40, 47, 53, 61, 71, 83, 97, 113, 131, 151, 353, 1009)
LIFE = (8, 15, 23, 31, 41, 53, 67, 83, 101, 121, 323, 979)

#: Polls of one side; how many of its last ones place nothing, and how many of these cancel what is alive. What was
#: placed just before is known to rest by then: hftbacktest does not take the cancel of an order under way.
EPOCH, QUIET, CLOSING = 2500, 16, 12

#: Room in the logs of both sides.
MAX_POLLS, MAX_ORDERS = 1 << 16, 1 << 14

#: Time in force, as the rule numbers it; each engine has numbers of its own.
GTC, IOC, FOK, GTX = 0, 1, 2, 3
BUY, SELL = 1, -1


def side_at(seed: int, poll: int) -> int:
    """The side of all orders at this poll."""
    return BUY if (poll // EPOCH + seed) % 2 == 0 else SELL


def draw(seed: int, slot: int, poll: int) -> int:
    """31 pseudo-random bits of the three numbers: a linear congruential generator, stepped from a mix of them."""
    x = (seed * 1_000_003 + slot * 7919 + poll * 104_729 + 12_345) & 0x7FFFFFFF
    for _ in range(4):
        x = (x * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        x ^= x >> 13
    return x


def size(bits: int) -> int:
    """Lots of an order."""
    kind = bits % 8
    if kind < 3:
        return 1 + bits // 8 % 7
    if kind < 6:
        return 20 + bits // 8 % 200
    return 500 + bits // 8 % 2500


def kind(bits: int) -> tuple[int, int]:
    """Time in force, and how many ticks through its own touch an order is priced.

    Below 0 it stands behind the touch; from `ACROSS` on it is counted from the other side's touch instead.
    """
    what, far = bits % 100, bits // 100
    if what < 34:
        return GTX, 0
    if what < 52:
        return GTX, -(1 + far % 4)
    if what < 60:
        return GTX, -(5 + far % 40)
    if what < 64:
        return GTX, -(400 + far % 400)
    if what < 68:
        return GTX, ACROSS + far % 3
    if what < 76:
        return GTC, -(far % 3)
    if what < 83:
        return GTC, ACROSS + far % 12
    if what < 91:
        return IOC, ACROSS + far % 12
    if what < 94:
        return IOC, -(far % 2)
    return FOK, ACROSS + far % 12


ACROSS = 1_000_000


def price(side: int, through: int, bid: int, ask: int) -> int:
    """The order's price in ticks."""
    own, other = (bid, ask) if side == BUY else (ask, bid)
    return other + side * (through - ACROSS) if through >= ACROSS else own + side * through


def lives(seed: int, polls: int) -> list[int]:
    """Of each order, in the order of sending: how many polls after it its cancel is sent."""
    found = []
    for slot in range(SLOTS):
        first = -draw(seed, slot, 0) % PERIOD[slot]
        for poll in range(first, polls, PERIOD[slot]):
            left = EPOCH - CLOSING - poll % EPOCH
            if poll >= FIRST_POLL and poll % EPOCH < EPOCH - QUIET:
                found.append((poll, slot, min(LIFE[slot], left)))
    return [life for _, _, life in sorted(found)]
