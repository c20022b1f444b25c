"""Measuring one pod by itself, on demand and for a bounded time."""
