"""The facts of the venues are whole, and agree with each other and with what the engine sends."""

import re
from datetime import date
from urllib.parse import urlsplit

import pytest

from cex.venues.binance import ALL, SPOT, USDM
from cex.venues.facts import DeadMan, OrderLimit, VenueFacts
from searcher.config import VENUES


def test_every_venue_of_the_configuration_has_its_facts() -> None:
    assert set(ALL) == set(VENUES)


@pytest.mark.parametrize("facts", ALL.values(), ids=lambda f: f.name)
def test_facts_say_where_they_are_from_and_when(facts: VenueFacts) -> None:
    assert facts.source
    assert date(2024, 1, 1) < facts.read_on <= date.today()
    for url, scheme in [
        (url, scheme)
        for network in facts.networks.values()
        for url, scheme in [
            (network.market, "wss"),
            (network.orders, "wss"),
            (network.user, "wss"),
            (network.rest, "https"),
            (network.account, "https"),
        ]
        if url is not None
    ]:
        assert urlsplit(url).scheme == scheme


@pytest.mark.parametrize("facts", ALL.values(), ids=lambda f: f.name)
def test_our_order_ids_are_client_ids_of_the_venue(facts: VenueFacts) -> None:
    # as native/src/cex/venues/binance_orders.rs writes them
    assert re.match(facts.client_id, "se-00010000000000a7")
    assert re.match(facts.client_id, "se-ffffffffffffffff")
    assert not re.match(facts.client_id, "se-" + "f" * 34)
    assert not re.match(facts.client_id, "se 1")


def test_who_cancels_when_we_are_gone() -> None:
    assert SPOT.dead_man.kind is DeadMan.NONE
    assert SPOT.dead_man.endpoint is None
    usdm = USDM.dead_man
    assert (usdm.kind, usdm.scope) == (DeadMan.COUNTDOWN, "symbol")
    assert usdm.refresh_ms is not None
    assert usdm.countdown_ms is not None
    assert usdm.refresh_ms * 2 < usdm.countdown_ms, "one refresh may be lost"


def test_the_tightest_window_decides() -> None:
    assert USDM.sustained_orders_per_second() == 20.0, "1 200 in a minute, though 300 in ten seconds"
    assert SPOT.sustained_orders_per_second() == pytest.approx(160_000 / 86_400)
    assert OrderLimit(300, 10).allows(30)
    assert not OrderLimit(300, 10).allows(31)
