"""APIs that are sound and answer in their own way."""
