"""What the server says of itself: models, operations, the OpenAPI document and its page."""
