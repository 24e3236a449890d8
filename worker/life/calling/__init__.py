"""One call of the upstream: let in by the gate, listened to, told of."""
