-- At most 720 hours of each merchant, by the primary keys; `offset 0` keeps it so, with or without statistics.
select asked.merchant_id, asked.hour, counted.*, known.*
from (
    select merchant_id, hour, hour - %(delay)s as ends
    from unnest(%(merchant_ids)s::text[], %(hours)s::bigint[]) as pairs (merchant_id, hour)
) as asked
cross join lateral (
    select
        coalesce(sum(m.count) filter (where m.hour >= asked.ends - %(shortest)s), 0),
        coalesce(sum(m.count) filter (where m.hour >= asked.ends - %(middle)s), 0),
        coalesce(sum(m.count), 0)
    from fraudstream.merchant_hour as m
    where m.merchant_id = asked.merchant_id and m.hour >= asked.ends - %(longest)s and m.hour < asked.ends
    offset 0
) as counted
cross join lateral (
    select
        coalesce(sum(m.frauds) filter (where m.hour >= asked.ends - %(shortest)s), 0),
        coalesce(sum(m.frauds) filter (where m.hour >= asked.ends - %(middle)s), 0),
        coalesce(sum(m.frauds), 0)
    from fraudstream.merchant_fraud as m
    where m.merchant_id = asked.merchant_id
        and m.hour >= asked.ends - %(longest)s
        and m.hour < asked.ends
        and m.known_hour < asked.hour
    offset 0
) as known;
