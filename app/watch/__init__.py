"""What is told, and who listens.

The rule: the core tells, observers listen. What the core tells is a value of `events` (or of `app.stream.observing`),
by `tell`; logs, metrics, traces and the timeline are observers, each a module here that can be off. No module of the
core imports a logger, a counter or a tracer.
"""
