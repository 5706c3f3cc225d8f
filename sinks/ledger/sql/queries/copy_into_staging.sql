copy staging ({columns}) from stdin (format binary);
