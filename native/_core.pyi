"""The native core's face, checked against the built module by stubtest."""

from typing import Literal, final

__version__: str

# --- orders ---

@final
class Order:
    """An order as it stood when it was asked for. Prices in ticks, quantities in lots, times in ns."""

    @property
    def id(self) -> int: ...
    @property
    def kernel(self) -> int: ...
    @property
    def instrument(self) -> int: ...
    @property
    def side(self) -> int:
        """0 buy, 1 sell."""
    @property
    def state(self) -> Literal["PendingNew", "Open", "PendingCancel", "PendingReplace", "Unknown", "Closed"]: ...
    @property
    def px(self) -> int: ...
    @property
    def qty(self) -> int:
        """Total: `filled + leaves` while the order lives."""
    @property
    def original(self) -> int:
        """What was to rest at `px` when it was last placed or replaced."""
    @property
    def target_px(self) -> int:
        """As `px`, unless a replace is unanswered: then what it asks for."""
    @property
    def target_qty(self) -> int:
        """As `qty`, unless a replace is unanswered: then what it asks for."""
    @property
    def filled(self) -> int: ...
    @property
    def leaves(self) -> int: ...
    @property
    def worst_leaves(self) -> int:
        """The most that may still fill, whichever unanswered request is granted."""
    @property
    def tif(self) -> int:
        """0 GTC, 1 IOC, 2 FOK, 3 GTX (post-only)."""
    @property
    def reduce_only(self) -> bool: ...
    @property
    def placed_ns(self) -> int: ...
    @property
    def accepted_ns(self) -> int | None:
        """`recv_ns` of the first proof that the venue has it."""
    @property
    def queue_joined(self) -> int:
        """Lots ahead when it joined its level; -1 where the venue does not say."""

@final
class Applied:
    """What a receipt changed."""

    @property
    def opened(self) -> bool:
        """First proof that the venue has the order."""
    @property
    def replaced(self) -> bool: ...
    @property
    def closed(self) -> bool: ...
    @property
    def contradiction(self) -> bool:
        """It cannot be true together with what was known; a fill in it is counted in full all the same."""
    @property
    def filled(self) -> int:
        """Lots newly filled; 0 for none."""
    @property
    def first_fill(self) -> bool: ...
    @property
    def last_fill(self) -> bool: ...
    @property
    def since_accepted_ns(self) -> int | None:
        """Of a fill: since the first proof that the venue has the order."""
    @property
    def ignored(self) -> Literal["Duplicate", "Late", "UnknownId", "Mismatch"] | None: ...

@final
class Orders:
    """A lane's own record of its orders: at most `capacity` alive, and as many closed ones remembered.

    Ids start at `counter` of `lane` (48 and 16 bits). Raises ValueError for a capacity of 0.
    """

    def __new__(cls, capacity: int, *, lane: int = 0, counter: int = 1) -> Orders: ...
    def next_id(self) -> int:
        """A new order id: unique, rising, never zero."""
    @property
    def alive(self) -> int: ...
    @property
    def room(self) -> int:
        """Orders that can still be placed."""
    def counts(self) -> dict[str, int]:
        """Keys: full, duplicates, late, late_fills, unknown_ids, missing, contradictions."""
    def get(self, id: int) -> Order | None:
        """An order that is alive, or closed and still remembered."""
    def side(self, instrument: int, side: int) -> list[Order]:
        """Live orders of one side of an instrument, in no order."""
    def on_request(
        self,
        action: int,
        id: int,
        side: int,
        px: int,
        qty: int,
        *,
        instrument: int = 0,
        kernel: int = 0,
        tif: int = 3,
        reduce_only: bool = False,
        now_ns: int = 0,
    ) -> None:
        """Records what is sent: `action` 1 place, 2 cancel, 3 replace (`qty` is the new total, filled lots included).

        Raises ValueError, and records nothing, when the record is full, the id is taken, no such order is alive, the
        quantity is not possible, or (replace) the order has an unanswered request.
        """
    def on_receipt(
        self,
        kind: int,
        id: int,
        side: int,
        *,
        instrument: int = 0,
        px: int = 0,
        qty: int = 0,
        leaves: int = 0,
        trade_id: int = 0,
        exch_ns: int = 0,
        queue_joined: int = ...,
        recv_ns: int = 0,
    ) -> Applied:
        """Applies what came back.

        `kind`: 1 accepted, 2 filled, 3 rejected, 4 cancelled, 5 expired, 6 replaced, 7 change rejected, 8 unknown.
        """

@final
class Quoter:
    """Desired ladder to the fewest messages. `tif` of every place, and of the orders that are minded."""

    def __new__(cls, *, can_replace: bool, tif: int = 3) -> Quoter: ...
    def diff(
        self,
        orders: Orders,
        bids: list[tuple[int, int]],
        asks: list[tuple[int, int]],
        *,
        instrument: int = 0,
        kernel: int = 0,
        now_ns: int = 0,
    ) -> list[tuple[int, int, int, int, int]]:
        """Messages `(action, id, side, px, qty)` that make the kernel's orders the ladder of `(px, qty)` levels.

        Places have id 0. Raises ValueError for a ladder whose bid is not below its ask, or a negative quantity.
        """
