"""The audit of an installation: what is looked at, what is found wrong with it, how it is mended."""
