"""Trades: venues and strategies on centralized exchanges."""
