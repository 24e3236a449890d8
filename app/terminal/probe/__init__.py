"""`keepstream probe`: whether a server of streams keeps what it promises to whoever reads, leaves and comes back.

    probe        the command              canary    a prompt of our own for a Keepstream
    reading/     one connection after the other, to cuts and to the end
    seen/        pure: what was seen, and whether one reading is the other
    targets      what is asked of whom    judging   what the readings show
    promises     what may be broken       telling   a verdict for people and for programs

The rule: it believes nothing. It reads bytes with a plain HTTP client and knows none of our clients, holds no more than
it says, waits no longer than it says, and shows nothing that it was given to get in.
"""
