select transaction_id from fraudstream.label where due_at <= %(now)s order by due_at limit %(limit)s;
