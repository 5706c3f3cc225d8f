"""`python -m consumer`: the host process of a container. What must happen before the heavy imports happens here."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the consumer until it is told to stop. Returns the exit code: 0 after a clean stop."""
    from consumer.kinesis.process import prepare_process_environment

    prepare_process_environment()

    from consumer.operations.consume import consume

    return consume()


if __name__ == "__main__":
    sys.exit(main())
