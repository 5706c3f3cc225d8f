update fraudstream.alert_outbox as o
set state = 'sent', suppressed_reason = null, sent_at = now(), message_id = told.message_id, claimed_until = null,
    last_error = null
from unnest(%(alert_ids)s::uuid[], %(texts)s::text[]) as told (alert_id, message_id)
where o.alert_id = told.alert_id and o.state <> 'sent';
