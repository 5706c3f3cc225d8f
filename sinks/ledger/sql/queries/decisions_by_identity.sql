-- `offset 0` keeps the planner from anything but a probe of the primary key for each row: a new week has no statistics yet, and
-- without them it would read the week. The bounds over the whole batch let it leave out partitions.
select found.*
from unnest(%(transaction_ids)s::text[], %(event_times)s::timestamptz[]) as asked (transaction_id, event_time)
cross join lateral (
    select {decision_columns}
    from fraudstream.decision as d
    where d.transaction_id = asked.transaction_id
        and d.event_time between asked.event_time - %(horizon)s and asked.event_time + %(horizon)s
        and d.event_time between %(first)s::timestamptz and %(last)s::timestamptz
    offset 0
) as found;
