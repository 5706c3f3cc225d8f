"""Between the Java daemon and the pipeline: protocol, worker, host, launcher, daemon."""
