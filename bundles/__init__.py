"""Lands: bundle building and inclusion on Ethereum. Empty until the first bundle can be built."""
