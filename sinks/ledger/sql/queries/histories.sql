-- For each user the newest entries of one index, in every week that the bound of the batch leaves. The index has this very order, so
-- that nothing is sorted, and `offset 0` keeps the planner from anything but a probe a user and week, with or without statistics.
select asked.user_id, found.*
from unnest(%(user_ids)s::text[], %(since)s::timestamptz[]) as asked (user_id, since)
cross join lateral (
    select
        d.transaction_id,
        -- Exact: float64 tells 0.03 ms apart even in the year 9999, and the cast rounds. `extract` would calculate with decimals.
        (date_part('epoch', d.event_time) * 1000)::bigint as event_ms,
        d.amount::double precision,
        d.currency,
        d.merchant_id,
        d.location_country,
        d.device_id,
        d.location_latitude,
        d.location_longitude
    from fraudstream.decision as d
    where d.user_id = asked.user_id and d.event_time >= asked.since and d.event_time >= %(earliest)s
    order by d.event_time desc, d.transaction_id collate "C" desc
    limit %(newest)s
    offset 0
) as found;
