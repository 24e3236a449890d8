"""The board: what operators see of the whole, as a page, as snapshots and as one number after another."""
