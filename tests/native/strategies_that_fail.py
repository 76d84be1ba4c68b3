"""Strategies with one error each; the line that has it ends in the error's mark."""

from __future__ import annotations

import numpy as np

from native import Out, View, bid, helper, param, state, strategy

# ruff: noqa: F821, ANN201
# mypy: ignore-errors


@strategy
class UnknownName:
    def on_book(self, view: View, out: Out) -> None:
        bid(out, undefined_name, 1)  # ERROR undefined_name


@strategy
class WrongType:
    def on_trade(self, view: View, out: Out) -> None:
        if view.has_top:
            x = "a" + 1  # ERROR str|unicode
            bid(out, x, 1)


@strategy
class UnknownViewField:
    def on_book(self, view: View, out: Out) -> None:
        y = view.bid_price  # ERROR view has no field 'bid_price'; did you mean 'bid_px'
        bid(out, y, 1)


@strategy
class UnknownFeature:
    def on_book(self, view: View, out: Out) -> None:
        bid(out, view.features.micro_price, 1)  # ERROR did you mean 'microprice'


@strategy
class UnknownOutField:
    def on_book(self, view: View, out: Out) -> None:
        out.has_lader = 1  # ERROR did you mean 'has_ladder'


@strategy
class UnknownSelf:
    width: float = param(1.0)

    def on_book(self, view: View, out: Out) -> None:
        bid(out, self.widht, 1)  # ERROR did you mean 'width'


@strategy
class AssignsParam:
    width: float = param(1.0)

    def on_book(self, view: View, out: Out) -> None:
        self.width += 1.0  # ERROR self.width is a parameter and read only


@strategy
class AssignsView:
    def on_book(self, view: View, out: Out) -> None:
        view.bid_pxs[0] = 1  # ERROR the view is read only


@strategy
class AssignsViews:
    def on_book(self, views: View, outs: Out, i: int) -> None:
        views[i].bid_px = 1  # ERROR the view is read only


@strategy
class CallsMethod:
    def on_book(self, view: View, out: Out) -> None:
        bid(out, self.price(view), 1)  # ERROR make it a module function with @helper

    def price(self, view: View) -> float:
        return 1.0


@strategy
class Prints:
    def on_book(self, view: View, out: Out) -> None:
        print(view.bid_px)  # ERROR cannot print


@strategy
class Imports:
    def on_book(self, view: View, out: Out) -> None:
        import os  # ERROR imports belong at the top

        os.getpid()


@strategy
class Yields:
    def on_book(self, view: View, out: Out):
        yield 1  # ERROR cannot yield


@strategy
class TwoArguments:
    def on_book(self, view: View) -> None:  # ERROR a hook is on_book\(self, view, out\)
        pass


@strategy
class StringState:
    name: int = state(0)

    def on_book(self, view: View, out: Out) -> None:
        self.name = "x"  # ERROR Cannot cast


@helper
def deep(view: View) -> float:
    return view.nothing  # ERROR-IN FailsInHelper view has no field 'nothing'


@strategy
class FailsInHelper:
    def on_book(self, view: View, out: Out) -> None:
        bid(out, deep(view), 1)


@helper
def wrong(view: View) -> float:
    return np.sqrt("s")  # ERROR-IN FailsInSecondHelper sqrt


@strategy
class FailsInSecondHelper:
    def on_book(self, view: View, out: Out) -> None:
        bid(out, wrong(view), 1)


@helper
def shout(px: int) -> None:
    print(px)


@strategy
class PrintsInHelper:
    def on_book(self, view: View, out: Out) -> None:
        shout(view.bid_px)


@helper
def widen(own: AssignsParamInHelper) -> None:
    own.width = 2.0  # ERROR-IN AssignsParamInHelper self.width is a parameter and read only


@strategy
class AssignsParamInHelper:
    width: float = param(1.0)

    def on_book(self, view: View, out: Out) -> None:
        widen(self)


@helper
def alias(view: View) -> float:
    other = view
    return other.nothing_either  # ERROR-IN AliasesView no field 'nothing_either'


@strategy
class AliasesView:
    def on_book(self, view: View, out: Out) -> None:
        bid(out, alias(view), 1)
