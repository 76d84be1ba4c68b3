"""The native core's face, checked against the built module by stubtest."""

import os
from typing import final

__version__: str

# --- risk ---

def limits() -> list[tuple[str, str, str]]:
    """Every limit: name, level, unit of what a refusal observed and allows."""

@final
class Switch:
    """The kill switch in the file `path`; created, active, if there is none. Raises OSError if it cannot be."""

    def __new__(cls, path: str | os.PathLike[str]) -> Switch: ...
    @staticmethod
    def anonymous() -> Switch:
        """A switch of this process alone, for replays and tests."""
    def state(self) -> str:
        """"active", "reducing" or "halted"."""
    def reason(self) -> tuple[str, str, int, int] | None:
        """Why it first left active: cause, text, time (ns since 1970), process id; None while active."""
    def trip(self, state: str, cause: str, text: str, now_ns: int, /) -> bool:
        """Moves the state down to `state`, never up; True if it moved. Raises ValueError for unknown names."""
    def reset(self, who: str, reason: str, now_ns: int, /) -> None:
        """Back to active, for a person who says who they are and why. Raises ValueError without either, or if it
        cannot be done; then nothing has changed unless the text says so."""
    def verify(self, now_ns: int, /) -> bool:
        """Whether the path still leads to the mapped file; if not, this handle halts."""
    def log_error(self) -> str | None:
        """Why the last line could not be logged, if it could not."""

@final
class Gate:
    """The gate, for tests and research. `specs` and `limits` are JSON, `equity` is digits in the quote currency. Raises
    ValueError naming what is missing, unknown or out of range."""

    def __new__(cls, specs: str, limits: str, equity: str, switch: Switch, /) -> Gate: ...
    def judge(
        self,
        intent: tuple[str, int, int, str, int, int, bool],
        top: tuple[int, int] | None,
        book_ns: int,
        now_ns: int,
        /,
    ) -> tuple[str, int, int] | None:
        """Judges an intent (action, id, instrument, side, px in ticks, qty in lots, reduce_only) by a top (bid, ask in
        ticks) and redeems the permit. Returns None, or the refusal: limit, observed, allowed."""
    def on_receipt(self, receipt: tuple[str, int, int, str, int, int, int, bool], now_ns: int, /) -> None:
        """Takes over a receipt (kind, id, instrument, side, px, qty, leaves, maker)."""
    def on_tick(self, instrument: int, half_ticks: int, now_ns: int, /) -> bool:
        """A tick (bid + ask in ticks); False if it is an outlier."""
    def on_feed_latency(self, instrument: int, latency_ns: int, now_ns: int, /) -> None:
        """Age of market data at its receipt."""
    def on_mark(self, instrument: int, half_ticks: int, now_ns: int, /) -> None:
        """Marks the instrument to a mid (bid + ask in ticks)."""
    def trip(self, state: str, cause: str, text: str, now_ns: int, /) -> bool:
        """Latches the lane down; True if its own state moved. Raises ValueError for unknown names."""
    def state(self) -> str:
        """The worse of the lane's own state and the switch's."""
    def reason(self) -> tuple[str, str] | None:
        """Why the lane itself left active: cause and text; None if it did not."""
    def should_flatten(self) -> bool:
        """The drawdown asks to cancel everything and to bring positions to zero."""
    def finish_flatten(self, now_ns: int, /) -> bool:
        """Halts the lane if it was flattening and nothing is left; True if it did."""
    def position(self, instrument: int, /) -> int:
        """Lots held; negative is short."""
    def open_orders(self, instrument: int, /) -> list[tuple[int, int]]:
        """Ids of orders not proven dead, and the most lots that each may still trade."""
    def pnl(self, instrument: int, /) -> tuple[int, int, int, int, int]:
        """Spread capture, drift, fees, rebates and total, in half a tick x a lot x 10^-8."""
    def equity(self) -> str:
        """Starting equity and all PnL since, digits in the quote currency."""
    def refusals(self) -> dict[str, int]:
        """How often each limit refused, ignored a tick or tripped."""
