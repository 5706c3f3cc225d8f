"""Bundles and policies in S3. Not a sink: nothing of an event lands here, and a bundle is read by what scoring knows of it."""
