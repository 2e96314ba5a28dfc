"""One file a flaw, named as ``keyturn attack`` names it."""
