"""What the upstream's calls of a stream used and cost, in the one form that both processes read and write."""
