"""What consumes: the pipeline, the scoring, the Kinesis side and the commands."""
