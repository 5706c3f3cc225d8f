-- `offset 0`: a probe of the primary key for each identity, with or without statistics.
select found.*
from unnest(%(transaction_ids)s::text[], %(event_times)s::timestamptz[]) as asked (transaction_id, event_time)
cross join lateral (
    select {decision_columns}
    from fraudstream.decision as d
    where d.transaction_id = asked.transaction_id and d.event_time = asked.event_time
    offset 0
) as found;
