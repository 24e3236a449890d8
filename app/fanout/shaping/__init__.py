"""What the JSON of an answer says so far: for readers who asked for it, parsed once for all of them.

The rule: a value is made of what stands in the log up to one place, and nobody is given it who was not given that
first. Nothing of it is logged, and who reads without it is served as if none of this were there. Knows nothing of HTTP.
"""
