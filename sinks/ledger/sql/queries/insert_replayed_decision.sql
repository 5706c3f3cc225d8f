insert into fraudstream.decision ({columns}) values ({decision_values})
on conflict (transaction_id, event_time) do nothing;
