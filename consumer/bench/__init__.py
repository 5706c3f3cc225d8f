"""Measurements that anyone can repeat: each part gives a table with units, a JSON file and a chart; nothing at run time imports this."""
