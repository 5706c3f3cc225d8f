"""Examples to copy: each stands alone, imports nothing of this project, and is run by a test."""
