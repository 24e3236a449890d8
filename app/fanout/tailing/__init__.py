"""What a tail is made of: its end with the readers that stand there, what was said beside the log, what waits to be
placed, and how far an answer is that is shown whole or not at all.
"""
