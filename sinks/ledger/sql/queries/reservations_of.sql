-- `offset 0`: a probe of the primary key for each id, with or without statistics.
select found.*
from unnest(%(transaction_ids)s::text[]) as asked (transaction_id)
cross join lateral (
    select r.transaction_id, r.event_time, r.content_hash
    from fraudstream.reservation as r
    where r.transaction_id = asked.transaction_id
    offset 0
) as found;
