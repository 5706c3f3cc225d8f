"""Dead letters: what was refused, each record once, complete enough to be understood, mended and replayed."""
