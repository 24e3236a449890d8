"""What happens to streams, fronts and processes, as values: the vocabulary of everything that watches.

The rule: see `app.stream.observing`, where the events of Redis, the channel and the tasks are. Seconds are counted by
one clock; a name that is empty is not known; names that somebody else chose go through `word`. Who adds an event adds
all that it is about: an observer may need any of it, and must not ask the core for more.
"""
