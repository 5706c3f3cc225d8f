-- An id that was decided without a reservation is taken as well: by an event that was published to the stream.
-- `offset 0` keeps the planner from anything but a probe of the primary key for each row.
-- Without the order two gateways that reserve the same ids deadlock; of one id asked for twice the first comes first, and wins.
insert into fraudstream.reservation (transaction_id, event_time, content_hash)
select asked.transaction_id, asked.event_time, asked.content_hash
from unnest(%(transaction_ids)s::text[], %(event_times)s::timestamptz[], %(content_hashes)s::bytea[])
    with ordinality as asked (transaction_id, event_time, content_hash, number)
where not exists (
    select
    from fraudstream.decision as d
    where d.transaction_id = asked.transaction_id
        and d.event_time between asked.event_time - %(horizon)s and asked.event_time + %(horizon)s
    offset 0
)
order by asked.transaction_id, asked.number
on conflict (transaction_id) do nothing
returning transaction_id, event_time, content_hash;
