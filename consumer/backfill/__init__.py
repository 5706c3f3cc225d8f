"""History through the very code of the stream, without Kinesis: event time is the clock, files are the shard."""
