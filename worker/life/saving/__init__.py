"""An answer that is not asked for again: what another stream was given, or is being given, and what others may be."""
