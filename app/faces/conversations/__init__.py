"""`/v1/conversations`: conversations that Keepstream keeps."""
