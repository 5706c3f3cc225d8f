-- `offset 0`: probes of the primary keys for each row asked for, of those weeks that its horizon touches.
select asked.number, found.*
from unnest(%(transaction_ids)s::text[], %(event_times)s::timestamptz[])
    with ordinality as asked (transaction_id, event_time, number)
left join lateral (
    select r.event_time
    from fraudstream.reservation as r
    where r.transaction_id = asked.transaction_id
    offset 0
) as standing on true
cross join lateral (
    select {decision_columns}
    from fraudstream.decision as d
    where d.transaction_id = asked.transaction_id
        and d.event_time between coalesce(standing.event_time, asked.event_time) - %(horizon)s
            and coalesce(standing.event_time, asked.event_time) + %(horizon)s
    offset 0
) as found;
