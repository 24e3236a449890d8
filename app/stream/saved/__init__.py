"""Saved calls: answers that are given again, or to several at once."""
