"""risk PERMITS: the limits that people write, and the switch that stops everything."""

from risk.killswitch import KillSwitch, Tripped, default_path
from risk.limits import InstrumentLimits, LaneLimits, LimitError, Limits

__all__ = ["InstrumentLimits", "KillSwitch", "LaneLimits", "LimitError", "Limits", "Tripped", "default_path"]
