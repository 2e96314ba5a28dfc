"""One file a URL; the file is named after its last segment."""
