"""The proof on whole processes: a deployment of its own, faults drawn from a seed, recovery measured, everything audited."""
