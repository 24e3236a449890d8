"""TLS without a proxy: a front's certificate, and who is greeted with it."""
