update fraudstream.alert_outbox as o
set state = 'parked', last_error = told.error, claimed_until = null
from unnest(%(alert_ids)s::uuid[], %(texts)s::text[]) as told (alert_id, error)
where o.alert_id = told.alert_id and o.state = 'pending';
