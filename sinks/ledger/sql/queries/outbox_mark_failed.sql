-- Full jitter: relays that failed together must not come back together.
update fraudstream.alert_outbox as o
set last_error = told.error, claimed_until = null,
    next_attempt_at = now()
        + random() * least(%(longest_wait)s::interval, %(first_wait)s::interval * power(2, least(o.attempts, 30) - 1))
from unnest(%(alert_ids)s::uuid[], %(texts)s::text[]) as told (alert_id, error)
where o.alert_id = told.alert_id and o.state = 'pending';
