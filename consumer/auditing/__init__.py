"""The proof that effects happened exactly once: pure comparison apart from the gathering of what it compares."""
