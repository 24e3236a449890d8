"""What both clients decide alike, without a socket, a clock or a thread.

The rule: nothing here does I/O or waits. The clients do what is said here, one by blocking, the other by awaiting.
"""
