"""The queue models' probability, against the formulas written out in plain Python."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from native._core import queue_probability

quantities = st.floats(min_value=1e-3, max_value=1e6)
exponents = st.floats(min_value=0.1, max_value=5.0)


def model(kind: str, **parameters: float) -> str:
    return json.dumps({"kind": kind, **parameters})


@given(quantities, quantities, exponents)
def test_probability_is_the_formula(front: float, back: float, n: float) -> None:
    ln_front, ln_back = math.log(1 + front), math.log(1 + back)
    expected = {
        model("risk_averse"): 1.0,
        model("power_prob", n=n): back**n / (back**n + front**n),
        model("power_prob2", n=n): back**n / (back + front) ** n,
        model("power_prob3", n=n): 1 - (front / (front + back)) ** n,
        model("log_prob"): ln_back / (ln_back + ln_front),
        model("log_prob2"): ln_back / math.log(1 + back + front),
    }
    for text, value in expected.items():
        assert queue_probability(text, front, back) == pytest.approx(value, rel=1e-9, abs=1e-12), text


@given(quantities, st.sampled_from(["power_prob", "power_prob2", "power_prob3", "log_prob", "log_prob2"]))
def test_nothing_behind_is_0_and_nothing_ahead_is_1(quantity: float, kind: str) -> None:
    text = model(kind, n=2.0) if kind.startswith("power") else model(kind)
    assert queue_probability(text, quantity, 0.0) == pytest.approx(0.0, abs=1e-12)
    assert queue_probability(text, 0.0, quantity) == pytest.approx(1.0)
    assert queue_probability(text, 0.0, 0.0) == 1.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"kind": "fifo"}', "fifo"),
        ('{"kind": "risk_averse", "n": 1.0}', "unknown field `n`"),
        ('{"kind": "power_prob"}', "missing field `n`"),
        ('{"kind": "power_prob3", "n": 0.0}', "a number above 0"),
        ("{", "queue model {"),
    ],
)
def test_another_model_is_refused_with_its_reason(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        queue_probability(text, 1.0, 1.0)


@pytest.mark.parametrize("front", [-1.0, math.nan, math.inf])
def test_a_quantity_that_is_none_is_refused(front: float) -> None:
    with pytest.raises(ValueError, match="not below 0"):
        queue_probability(model("risk_averse"), front, 1.0)
