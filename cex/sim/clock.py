"""The venue's clock: the machine's, faster for accelerated runs, and wrong on request."""

import time


class Clock:
    """`now = origin + (wall − origin) × speed`. Nanoseconds since 1970, and milliseconds where the venue writes them.

    `skew_ms` is how far the venue's clock is ahead of everybody else's: it is in every time that it writes or compares
    with, and not in the time by which its market moves.
    """

    def __init__(self, speed: int = 1, origin_ns: int = 0) -> None:
        self.speed = speed
        self.origin_ns = origin_ns or (time.time_ns() if speed != 1 else 0)
        self.skew_ms = 0

    def wall_ns(self) -> int:
        """The machine's clock."""
        return time.time_ns()

    def now_ns(self) -> int:
        """Time of the market, without skew."""
        return self.origin_ns + (time.time_ns() - self.origin_ns) * self.speed

    def ms(self) -> int:
        """What the venue takes for the time, in milliseconds."""
        return self.now_ns() // 1_000_000 + self.skew_ms

    def steady_ms(self) -> int:
        """As `ms`, without skew: for what ends at its time however wrong the clock is."""
        return self.now_ns() // 1_000_000

    def wall_s(self, venue_ns: int) -> float:
        """How long, on the machine's clock, so much of the venue's time takes; seconds."""
        return max(venue_ns, 0) / self.speed / 1e9
