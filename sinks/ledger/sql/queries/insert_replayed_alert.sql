insert into fraudstream.alert_outbox (
    alert_id, transaction_id, event_time, user_id, rule, severity, arrival_time, payload, attributes, state,
    suppressed_reason
)
values (
    %(alert_id)s, %(transaction_id)s, %(event_time)s, %(user_id)s, %(rule)s, %(severity)s, %(arrival_time)s,
    %(payload)s, %(attributes)s, 'suppressed', 'replayed'
)
on conflict (alert_id) do nothing;
