"""How much an owner may: what the limits' file and a token say, judged before anything is stored."""
