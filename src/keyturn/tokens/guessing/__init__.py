"""How hard a secret is to guess, by the shortest way to say it: the same for keys, passphrases and their encodings."""
