"""Strategies that ship with the engine."""
