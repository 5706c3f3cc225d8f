"""A Kinesis Data Streams API: pure state (time is an argument), the operations on it and their wire formats.

It exists because the Kinesis Client Library speaks HTTP/2 without TLS to a local endpoint and needs shards that really end.
"""
