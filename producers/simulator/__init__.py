"""Simulated customers, merchants and fraud: seeded, deterministic, with known truth and with the labels that the world would report.

Customers shop at favourite merchants in their hours, travel, get new phones and pay in foreign currencies. Fraud comes in five
patterns that no single event shows (fraud.py), among happenings that resemble them (lookalikes.py). A purchase of either is drawn
as any other, but for the few fields that its story needs (intents.py, purchases.py). reference.py is the data set that models are
measured on. It shows that features, training and decisions work; it says nothing about how much real fraud they find.
"""
