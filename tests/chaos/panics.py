"""The command line with one difference: the lane that it starts panics after so many market messages.

A plan takes faults only where the exchange is on this host (`native/src/live/plan.rs`), and no configuration can name
one: this is the only way to them.
"""

import json
import os
import sys
from typing import Any

from searcher import daemon, live_plan
from searcher.__main__ import main

AFTER = "CHAOS_PANIC_AFTER_FRAMES"


def with_panic(*arguments: Any, **named: Any) -> str:
    """The plan of the lane, with a panic in it."""
    plan = json.loads(live_plan.live_plan_json(*arguments, **named))
    plan["plan"]["faults"] = [{"after_frames": int(os.environ.get(AFTER, "400")), "kind": "panic"}]
    return json.dumps(plan)


if __name__ == "__main__":
    setattr(daemon, "live_plan_json", with_panic)  # noqa: B010  (mypy: the name is imported, not exported)
    sys.exit(main())
