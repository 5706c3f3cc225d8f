"""The front door: `POST /api/v1/classify` and its friends. It asks the ledger by ports only and publishes to the stream."""
