"""`/api/chat`: the AI SDK's UI message stream."""
