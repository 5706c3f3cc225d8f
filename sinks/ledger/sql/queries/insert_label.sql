insert into fraudstream.label (transaction_id, event_time, source, is_fraud, reported_at, known_at, due_at)
values (%(transaction_id)s, %(event_time)s, %(source)s, %(is_fraud)s, %(reported_at)s, %(known_at)s, %(due_at)s);
