select
    (select hours_until from fraudstream.roll_up),
    (select min(due_at) from fraudstream.label where due_at <= %(now)s),
    (select count(*) from fraudstream.label where due_at > %(now)s);
