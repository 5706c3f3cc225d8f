with due as (
    select alert_id
    from fraudstream.alert_outbox
    where state = 'pending' and next_attempt_at <= now() and (claimed_until is null or claimed_until <= now())
    order by created_at, alert_id
    limit %(limit)s
    for update skip locked
),
claimed as (
    update fraudstream.alert_outbox as o
    set claimed_until = now() + %(claim_for)s, attempts = attempts + 1
    from due
    where o.alert_id = due.alert_id
    returning o.alert_id, o.payload, o.attributes, o.attempts, o.created_at
)
select alert_id, payload::text, attributes, attempts from claimed order by created_at, alert_id;
