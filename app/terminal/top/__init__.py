"""`keepstream top`: the board on a terminal.

The rule: what is said is the newest snapshot as the server judged it, and how old that is. What is drawn is pure
(`drawing`, `spark`); only `screen` knows a terminal.
"""
