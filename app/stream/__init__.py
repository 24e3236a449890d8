"""The one language front and worker speak: frames, ids, the log, its channel and the queue.

Imports nothing of the rest.
"""
