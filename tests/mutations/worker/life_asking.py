from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "a mark is set beside a client's own",
        "worker/life/asking/caching.py",
        " or has_marks(body):",
        ":",
    ),
    Mutation(
        "a mark is set where the model keeps nothing",
        "worker/life/asking/caching.py",
        "        if size >= least and (found",
        "        if (found",
    ),
    Mutation(
        "a mark is set on an empty text",
        "worker/life/asking/caching.py",
        """        case b'"' if not _BLANK.fullmatch(value):""",
        """        case b'"':""",
    ),
    Mutation(
        "a mark of an hour is one of five minutes",
        "worker/life/asking/caching.py",
        """{"type":"ephemeral","ttl":"1h"}'}""",
        """{"type":"ephemeral"}'}""",
    ),
    Mutation(
        "a repair is not told what was wrong",
        "worker/life/asking/compose.py",
        "    mends = repair is not None and repair.made > 0\n",
        "    mends = False\n",
    ),
    Mutation(
        "who takes over knows of no repair",
        "worker/life/asking/validating.py",
        '        record.writer.mark({**record.repair.fields, "free": record.progress.free})\n',
        "",
    ),
    Mutation(
        "an answer that was cut off is held against its schema",
        "worker/life/asking/validating.py",
        "        if decide.complete(stop_reason).outcome is not Outcome.COMPLETED:\n",
        "        if False:\n",
    ),
)
