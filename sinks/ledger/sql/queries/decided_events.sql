-- `offset 0`: a probe of the primary keys for each id, with or without statistics.
select found.*
from unnest(%(transaction_ids)s::text[]) as asked (transaction_id)
cross join lateral (
    select d.transaction_id, d.event_time, d.merchant_id
    from fraudstream.decision as d
    where d.transaction_id = asked.transaction_id
    offset 0
) as found;
