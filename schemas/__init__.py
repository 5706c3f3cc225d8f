"""What travels, and nothing else."""
