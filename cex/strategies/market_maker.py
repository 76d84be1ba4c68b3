r"""Market making after Avellaneda and Stoikov, with inventory skew and the maker fee inside the objective.

Model (M. Avellaneda, S. Stoikov, "High-frequency trading in a limit order book", Quantitative Finance 8(3), 2008,
217-224): the fair price S moves with volatility σ, a quote at distance δ from S is filled with intensity A·exp(−kδ),
and the maker's utility is −exp(−γ·wealth). With an inventory of q units and a horizon τ, to leading order,

    reservation price   r = S − q·γ·σ²·τ                                   (their eq. 3.17, τ for T − t)
    prices at which one more unit leaves the utility as it is:
                        r_b = S − (1 + 2q)·γσ²τ/2,   r_a = S + (1 − 2q)·γσ²τ/2   (eqs. 2.6, 2.7)

The fee. Let each unit filled cost c (c = maker_fee × S; negative for a rebate). A bid at distance δ, when filled, buys
at S − δ and pays c: relative to indifference it gains δ − c − (S − r_b). It is chosen to maximise

    A·exp(−kδ) · (1 − exp(−γ·(δ − c − (S − r_b)))).

With x = δ − c − (S − r_b), the first-order condition k·(1 − exp(−γx)) = γ·exp(−γx) has the solution
x = ln(1 + γ/k)/γ, which does not depend on c: hence

    δ_b = (S − r_b) + ln(1 + γ/k)/γ + c,     and likewise     δ_a = (r_a − S) + ln(1 + γ/k)/γ + c.

The fee widens each side by exactly c, a rebate narrows it by as much. Together

    bid = r − h,   ask = r + h,   h = γσ²τ/2 + ln(1 + γ/k)/γ + c.

The horizon rolls (τ is a constant): a market that never closes has no terminal time. Inventory is bounded as in
O. Guéant, C.-A. Lehalle, J. Fernandez-Tapia, "Dealing with the inventory risk", Mathematics and Financial Economics
7(4), 2013, 477-507: at the bound nothing is quoted on the side that would exceed it.

Units: prices and distances in ticks, σ in ticks per √second (`view.features.volatility`), τ in seconds, q in units of
`order_lots`, k in 1/ticks, γ in 1/(ticks × unit), so that γσ²τ is in ticks. S is the microprice; c takes it for the
price of either quote, which errs by maker_fee × δ: a small fraction of the distance itself.
"""

from __future__ import annotations

import math

from native import Out, View, ask, bid, clear, helper, param, state, strategy


@helper
def quotes(
    fair: float, sigma: float, q: float, gamma: float, k: float, horizon_s: float, fee: float
) -> tuple[float, float]:
    """Bid and ask in ticks by the formula above; `fee` is c, in ticks."""
    risk = gamma * sigma * sigma * horizon_s
    half = 0.5 * risk + math.log1p(gamma / k) / gamma + fee
    reservation = fair - q * risk
    return reservation - half, reservation + half


@helper
def requote(self: MarketMaker, view: View, out: Out) -> None:
    """Writes a new ladder if there is reason for one; otherwise the previous one keeps its place in the queue."""
    fair = view.features.microprice
    sigma = view.features.volatility
    if not view.has_top or not math.isfinite(fair) or not math.isfinite(sigma):
        # Without a book, or before its features exist, there is no fair price.
        if self.quoting:
            clear(out)
            self.quoting = False
        return
    unit = float(self.order_lots)
    bid_px, ask_px = quotes(
        fair, sigma, view.position / unit, self.gamma, self.k, self.horizon_s, view.maker_fee * fair
    )
    # Post-only: at most one tick inside the other side's best price.
    bid_px = min(math.floor(bid_px), view.ask_px - 1.0)
    ask_px = max(math.ceil(ask_px), view.bid_px + 1.0)
    if bid_px >= ask_px:
        # A rebate above the half-spread makes each side want the other's place: both give way to the middle.
        middle = 0.5 * (bid_px + ask_px)
        bid_px = float(math.floor(middle - 0.5))
        ask_px = float(math.ceil(middle + 0.5))
    moved = abs(bid_px - self.bid_px) >= self.requote_ticks or abs(ask_px - self.ask_px) >= self.requote_ticks
    if self.quoting and not moved and view.position == self.position:
        return
    self.quoting = True
    self.bid_px = bid_px
    self.ask_px = ask_px
    self.position = view.position
    clear(out)
    room_bid = float(self.max_position_lots - view.position)
    room_ask = float(self.max_position_lots + view.position)
    for level in range(self.levels):
        away = float(level * self.level_ticks)
        if room_bid > 0.0 and bid_px - away >= 1.0:
            bid(out, bid_px - away, min(unit, room_bid))
            room_bid -= unit
        if room_ask > 0.0:
            ask(out, ask_px + away, min(unit, room_ask))
            room_ask -= unit


@strategy
class MarketMaker:
    """Quotes both sides around a reservation price; see the module for the model, its sources and its units."""

    gamma: float = param(0.01, gt=0.0, doc="risk aversion γ, 1/(ticks × unit of inventory)")
    k: float = param(0.5, gt=0.0, doc="decay of the fill intensity with distance, 1/ticks")
    horizon_s: float = param(10.0, gt=0.0, doc="rolling horizon τ, seconds")
    order_lots: int = param(1, ge=1, doc="size of one order, lots: the unit of inventory")
    max_position_lots: int = param(10, ge=1, doc="bound of the position on either side, lots")
    levels: int = param(1, ge=1, le=8, doc="orders a side")
    level_ticks: int = param(1, ge=1, doc="distance between levels, ticks")
    requote_ticks: float = param(1.0, ge=1.0, doc="a quote stays until its price would move by so much, ticks")

    quoting: bool = state(False)
    bid_px: float = state(0.0)
    ask_px: float = state(0.0)
    position: int = state(0)

    def on_book(self, view: View, out: Out) -> None:
        """The book changed: so may the fair price and the volatility."""
        requote(self, view, out)

    def on_receipt(self, view: View, out: Out) -> None:
        """A fill changes the inventory, and with it the reservation price."""
        requote(self, view, out)
