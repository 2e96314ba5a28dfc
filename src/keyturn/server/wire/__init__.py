"""Bytes before and after the app: listening, TLS, and what one connection may hold."""
