update fraudstream.alert_outbox
set state = 'suppressed', suppressed_reason = 'too_old', claimed_until = null
where state = 'pending'
    and arrival_time < now() - %(max_age)s
    and (claimed_until is null or claimed_until <= now());
