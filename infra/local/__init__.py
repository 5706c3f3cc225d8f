"""The embedded AWS and PostgreSQL that the demo and the tests run on."""
