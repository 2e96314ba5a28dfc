"""What an operator writes, from its sources to values that were judged; ``server/settings.py`` puts it together."""
