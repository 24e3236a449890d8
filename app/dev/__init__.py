"""`keepstream dev`: everything on one machine, for trying and for tests. No part of a deployment."""
