"""The log as a Durable Stream (`/v1/streams/{id}/log`), to be read: the events as JSON, by pages, long-polls or SSE."""
