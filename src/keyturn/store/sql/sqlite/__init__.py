"""SQLite: one thread writes and commits many steps at once, one reads beside it, one moves the log into the file."""
