"""`/v1/conversations`: conversations kept by Keepstream.

A conversation belongs to its owner (another's is 404, a deleted one 410 for a day, then 404). Times are ISO texts as in
`/v1/streams`. A *message* is

    {"id": "msg_…", "role": "user"|"assistant", "content": [blocks], "created_at": …}

and, of an answer, also `stream_id`, `model`, `outcome` (as in `relay.end`), `stop_reason`, `usage`, `cost_usd`, and
`error` ({"type","message"}) where it failed. An answer stands here whole or not at all: it is added when its stream has
ended. `truncated` and `cancelled` keep the text that came; `failed` and `expired` have `content: []` and are not sent
upstream. A message of the user that `continue` wrote has `"continues": <id of the answer>`; a page need not show it.

A *conversation* is

    {"id": "cv_…", "title": text|null, "system": text|null, "model": text|null, "created_at", "updated_at",
     "forked_from"?: {"id","at"}}

    POST   /v1/conversations              {title?, system?, model?} → 201, `Location`, the conversation with the fields
                                          that GET gives; 409 when the owner has as many as may be kept
    GET    /v1/conversations              ?limit=20 (1…100) &before=<last_id>
                                          → {"data": [conversation + "stream_id", last used first], "has_more", "last_id"}
    GET    /v1/conversations/{id}         → the conversation and "offset" (id of its newest event, for `…/events?after=`),
                                          "stream_id" (the one that runs, or null), "answer_id" (the id that its answer is
                                          going to have, or null), "messages": [message]
    PATCH  /v1/conversations/{id}         {title?, system?, model?}; null takes it away → 200, the conversation
    DELETE /v1/conversations/{id}         → 204; a stream that runs is cancelled
    POST   /v1/conversations/{id}/messages
           {"content": text|blocks, "after"?: <message id>|null}
                                          `after`: everything behind that message is dropped first (edit and resend);
                                          null: behind the very start
           {"regenerate": true, "after"?: <id of a user's message>}
                                          drops what follows that message (by default the last one of the user), and
                                          answers it again
           {"continue": true}             goes on where the last answer was truncated or cancelled
           and with each of them any other field of the Messages API (model, max_tokens, thinking, …), for this answer
                                          → 202, `Location`, as POST /v1/streams: {"id","state","events_url","cancel_url",
                                          "conversation_id","message_id" (the user's),"answer_id"}. Idempotency-Key is
                                          honoured. 409 `conflict_error` while a stream runs: its id is in the message,
                                          in `error.stream_id` and in `x-keepstream-id`. 400 where the conversation
                                          is longer than the model's context, 413 where it is as large as it may be
    GET    /v1/conversations/{id}/events  SSE of the conversation, with ids and resume as `/v1/streams/{id}/events`
    POST   /v1/conversations/{id}/fork    {"at": <message id>, "title"?} → 201, `Location`, a new one that ends with `at`
    GET    /v1/conversations/{id}/export  ?format=json|markdown (default json), as a download

The events, each with an id:

    conversation.updated  {"title","system","model"}   also the very first event
    message.added         {"message": message}         `content` is null where it is large: GET the conversation
    messages.removed      {"after": <message id>|null} everything behind it is gone (edit, regenerate)
    stream.started        {"stream_id","message_id","answer_id","model","events_url","cancel_url"}
    stream.ended          {"stream_id","answer_id","outcome","stop_reason","usage","cost_usd","error"?}
                          right after the `message.added` of its answer
    conversation.deleted  {}                            then `relay.end`: the conversation's only ending
    relay.reset           {"attempt","reason"}          forget the place: GET the conversation again
"""
