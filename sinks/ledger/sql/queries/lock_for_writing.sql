-- Before anything else is locked, or a writer that reads first and whoever makes a partition wait for each other.
lock table only fraudstream.decision in row exclusive mode;
