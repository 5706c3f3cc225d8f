"""The outbox relay and the topic that it publishes to."""
