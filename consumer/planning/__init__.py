"""How much of AWS a rate of events takes and what it costs: formulas over measured figures and a dated price table. Pure.

Apart: it decides nothing at run time. `cost` knows nothing of rates, so that what stands in a Terraform file can be priced too.
"""
