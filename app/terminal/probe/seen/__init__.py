"""What a reading of a stream saw, and whether it is what another one saw. Pure: no socket, no clock."""
