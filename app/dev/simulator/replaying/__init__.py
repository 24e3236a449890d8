"""Answers that were given once, played again: `keepstream simulate --replay FILE…`."""
