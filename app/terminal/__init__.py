"""The terminal: `keepstream chat`, `send`, `watch`, `cancel` and `explain`.

The rule: it knows Keepstream through the Python client alone, as anybody's program would, and never Redis, the hub or a
route. What an answer is (`answer`) and how its text falls into blocks (`blocks`) is pure; only `page` draws.
"""
