"""The native core's face, checked against the built module by stubtest."""

__version__: str

# --- sim ---
def queue_probability(model_json: str, front: float, back: float, /) -> float:
    """Probability, 0 to 1, that a decrease of a price level happened behind our order.

    ``model_json`` is a queue model as in the configuration: ``{"kind": "risk_averse"}``, ``{"kind": "power_prob", "n":
    3.0}``, ``power_prob2``, ``power_prob3``, ``{"kind": "log_prob"}`` or ``log_prob2``; ``front`` and ``back`` are the
    quantities ahead of and behind the order, in base currency. 1 where both are 0. Raises ``ValueError`` for another
    model, an ``n`` that is not above 0, or a quantity below 0. Formulas: R. Rigtorp, "Estimating order queue position"
    (2013), and the families of hftbacktest.
    """
