"""Redis or Valkey beside the database: it makes things faster, and holds nothing that can't be missed."""
