"""What a talk on the terminal has besides saying and hearing: how the next message is asked, and what goes with it."""
