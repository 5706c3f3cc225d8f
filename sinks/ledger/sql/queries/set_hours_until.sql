update fraudstream.roll_up set hours_until = %(hour)s;
