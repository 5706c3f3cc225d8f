"""The ledger in PostgreSQL: it decides, first write wins."""
