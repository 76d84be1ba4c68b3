"""Facts of the venues that no message says: where to connect, what is allowed, and what cancels when we are gone."""
