"""What both clients do over HTTP, one by blocking and the other by awaiting: the same steps, as `core` decides them."""
