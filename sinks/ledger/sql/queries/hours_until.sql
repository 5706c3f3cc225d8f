select hours_until from fraudstream.roll_up;
