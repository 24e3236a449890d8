"""Whether an answer fits the JSON schema that its request has.

The rule: a schema is its client's, and what it costs to look at an answer is the client's to choose: so that is done in
a process of its own, which may take its time, and not for long. Knows nothing of streams, Redis or the upstream.
"""
