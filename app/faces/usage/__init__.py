"""What has been used: `/v1/usage`."""
