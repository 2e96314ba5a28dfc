"""The revocation feed at an API: asked for, taken in, judged by its age. What a user says of it: ``revocations.py``."""
