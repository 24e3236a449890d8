"""What is counted and measured of a process, and how it is asked for.

The rule: `table` names all of it, and nothing has another name; what happens is counted from what is told, and what is
there is read from the core's own numbers when somebody asks. The library that writes the answer is loaded with the
first question: a process that nobody asks does not pay for it.
"""

from app.watch.metrics.table import names

__all__ = ["names"]
