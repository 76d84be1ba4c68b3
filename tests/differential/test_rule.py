"""The rule of orders that both engines play."""

from collections import Counter

import pytest

from bench import fills_rule as rule


def sent(seed: int, polls: int) -> list[tuple[int, int, int]]:
    """Poll, slot and poll of the cancel of every order, by asking the rule poll by poll as the engines do."""
    found: list[tuple[int, int, int]] = []
    standing: dict[int, int] = {}
    for poll in range(rule.FIRST_POLL, polls + rule.EPOCH):
        quiet = poll % rule.EPOCH >= rule.EPOCH - rule.QUIET
        closing = poll % rule.EPOCH >= rule.EPOCH - rule.CLOSING
        for slot in range(rule.SLOTS):
            phase = (poll + rule.draw(seed, slot, 0)) % rule.PERIOD[slot]
            if slot in standing and (phase == rule.LIFE[slot] or closing):
                found.append((standing.pop(slot), slot, poll))
            if phase == 0 and not quiet and poll < polls:
                assert slot not in standing, "a slot holds one order at a time"
                standing[slot] = poll
    assert not standing
    return sorted(found)


@pytest.mark.parametrize("seed", [0, 1, 2, 77])
def test_lives_are_those_that_the_engines_come_to(seed: int) -> None:
    polls = 2 * rule.EPOCH + 321
    assert rule.lives(seed, polls) == [gone - poll for poll, _, gone in sent(seed, polls)]


def test_an_order_is_known_to_rest_before_it_is_cancelled() -> None:
    assert min(rule.lives(3, 30_000)) > 3  # 10 ms there, 10 ms back, and the poll after


def test_every_kind_side_and_size_is_sent() -> None:
    seen = Counter(rule.kind(rule.draw(1, 0, poll)) for poll in range(20_000))
    assert {tif for tif, _ in seen} == {rule.GTC, rule.IOC, rule.FOK, rule.GTX}
    through = {t for _, t in seen}
    assert 0 in through
    assert min(through) < -400
    assert max(through) >= rule.ACROSS
    sizes = {rule.size(rule.draw(1, 0, poll)) for poll in range(20_000)}
    assert min(sizes) == 1
    assert max(sizes) > 2000
    assert {rule.side_at(1, poll) for poll in (0, rule.EPOCH)} == {rule.BUY, rule.SELL}


def test_a_price_is_counted_from_the_own_touch_or_across() -> None:
    assert rule.price(rule.BUY, 0, 99, 101) == 99
    assert rule.price(rule.BUY, -5, 99, 101) == 94
    assert rule.price(rule.SELL, -5, 99, 101) == 106
    assert rule.price(rule.BUY, rule.ACROSS + 2, 99, 101) == 103
    assert rule.price(rule.SELL, rule.ACROSS, 99, 101) == 99
