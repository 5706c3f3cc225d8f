"""One module a CLI command."""
