"""APIs that are broken on purpose, each in one way, and sound ones beside them: something to attack."""
