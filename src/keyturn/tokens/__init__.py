"""What a token looks like: bytes in, values out. Pure; no clock, no file, no socket, no randomness of its own."""
