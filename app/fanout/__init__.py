"""One log, many readers: tails, cursors, the beat and the drain. Knows no HTTP."""
