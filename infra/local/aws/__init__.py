"""The embedded AWS as one process on one port: our Kinesis, and moto for every other service.

Run it with ``python -m infra.local.aws --port 4566``; tests and the command line go through ``infra.local.environment``.
"""
