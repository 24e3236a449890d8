"""`keepstream doctor`: looks at a deployment from where it is run, and says what is to be done.

The rule: a check looks and changes nothing, is over in its time whatever hangs, and stops no other; what it says is a
`Finding`, one line with what is so and what to do about it, and never a secret. It asks as the processes themselves do,
by the same code, and knows none of them.
"""
