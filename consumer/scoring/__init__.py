"""Features, the model bundle, reason codes and the policy."""
