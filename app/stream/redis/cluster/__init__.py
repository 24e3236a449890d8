"""A Redis or Valkey Cluster, as one client and one channel.

The rule: which node has a key is known here and nowhere else, and may be wrong at any moment: whoever asks the wrong
one is told, learns, and asks the right one. That a slot is on its way, or has nobody, is being away, and no verdict
about a stream.
"""
