"""The store in SQL: one file a table, one SQL text for every database, one small package or file a driver."""
