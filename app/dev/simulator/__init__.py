"""The simulated Claude: an HTTP server that speaks the Messages wire, for development, tests and benchmarks.

The official SDK is pointed at it by ANTHROPIC_BASE_URL; whoever calls it must not be able to tell but by the text.

    directives   what a prompt may ask for           prompts  `[[sim: ...]]`, read from a text
    values       of directives and options           schema   values that fit a JSON schema, or break it
    hearing      what the messages say               answers  what is said to a prompt
    calling      which tools are called              suggesting  ... for a plain question
    formats      answers in JSON                     plan     the blocks, the stop reason and the usage of one answer
    events       a plan as the API's events          faults   what a directive does to those events
    checks       what the API refuses                errors   in which shape
    pairs        ... in a loop of tools              thoughts what is thought, and its signature
    caching      the cache of prompts, and its marks
    calls        who called, how often               limits   the rate-limit headers
    buckets      a rate limit that refuses           reply    what a reply is
    api          a request to its reply
    player       when each byte is due               wire     HTTP/1.1 on a transport
    command      the options and the process

Nothing here may know of streams, logs or workers: it stands for a service that has never heard of them.
"""

from app.dev.simulator.answer.answers import answer_for, pieces
from app.dev.simulator.command import main
from app.dev.simulator.wire import serving

__all__ = ["answer_for", "main", "pieces", "serving"]
