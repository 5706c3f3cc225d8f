"""The lake: Parquet on S3 as a chain of chunks, each written once, whose metadata names the only possible next key."""
