"""What is kept of a stream's story beside its meta, by the scripts that touch that anyway."""
