from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "a job of a newer version is taken by whoever comes",
        "app/stream/scripts/queue/claim.lua",
        "  if newer_version(ARGV[11], id) <= version then",
        "  if true then",
    ),
    Mutation(
        "a job of a newer version stays in everybody's way",
        "app/stream/scripts/queue/newer.lua",
        "  line_return(id, place, NEWER_PLACE, life)",
        "  line_return(id, place, place, life)",
    ),
    Mutation(
        "a newer job's claims are forgotten",
        "app/stream/scripts/queue/newer.lua",
        "times or claim and claim:match('^(%d+)|') or 0",
        "times or 0",
    ),
    Mutation(
        "a job that is none stops all claims",
        "app/stream/scripts/queue/newer.lua",
        "redis.pcall('GETRANGE'",
        "redis.call('GETRANGE'",
    ),
)
