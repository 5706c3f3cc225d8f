"""Simulated customers, merchants and fraud: plain, seeded, deterministic, with known truth.

Genuine customers shop near home, in their waking hours, at favourite merchants, for log-normal amounts. Fraud comes as two crude
patterns (fraud.py) that one event betrays in part. It shows that the system works; it says nothing about real-world accuracy.
"""
