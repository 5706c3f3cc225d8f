update fraudstream.label
set event_time = %(event_time)s, due_at = %(due_at)s
where transaction_id = %(transaction_id)s
    and source = %(source)s
    and event_time is not distinct from %(event_time_before)s;
