with unlocated as (
    select *,
        least(round_even(amount * dollars * 100, 0), 1e12)::bigint as cents,
        latitude is not null and longitude is not null as is_located,
        round_even(sin(radians(latitude)) * 1073741824, 0) / 1073741824 as up,
        round_even(cos(radians(latitude)) * 1073741824, 0) / 1073741824 as outward,
        round_even(sin(radians(longitude)) * 1073741824, 0) / 1073741824 as east,
        round_even(cos(radians(longitude)) * 1073741824, 0) / 1073741824 as front
    from committed
),
ledger as materialized (
    select *, outward * front as x, outward * east as y, up as z, event_ms // 3600000 as hour from unlocated
),
pair as (
    select now.position, now.event_ms as now_ms, now.event_ms - was.event_ms as ms_ago,
        was.event_ms, was.transaction_id, was.cents, was.merchant_id, was.country, was.device_id,
        was.is_located, was.x, was.y, was.z,
        row_number() over (partition by now.position order by was.event_ms desc, was.transaction_id desc) as newness
    from ledger as now join ledger as was on was.user_id = now.user_id and was.position < now.position
),
past as materialized (
    select * from pair where newness <= 2000 and ms_ago >= 0 and ms_ago < 30 * 86400000::bigint
),
summed as (
    select position,
        count(*) filter (ms_ago < 600000) as n_10m,
        coalesce(sum(cents) filter (ms_ago < 600000), 0) as s_10m,
        count(*) filter (ms_ago < 3600000) as n_1h,
        coalesce(sum(cents) filter (ms_ago < 3600000), 0) as s_1h,
        count(*) filter (ms_ago < 86400000) as n_1d,
        coalesce(sum(cents) filter (ms_ago < 86400000), 0) as s_1d,
        count(*) filter (ms_ago < 7 * 86400000) as n_7d,
        coalesce(sum(cents) filter (ms_ago < 7 * 86400000), 0) as s_7d,
        coalesce(sum(cents::hugeint * cents) filter (ms_ago < 7 * 86400000), 0) as q_7d,
        count(*) as n_30d, sum(cents) as s_30d, sum(cents::hugeint * cents) as q_30d,
        min(ms_ago) as ms_since_last
    from past group by position
),
own as materialized (
    select ledger.*, ms_since_last,
        coalesce(n_10m, 0) as n_10m, coalesce(s_10m, 0)::hugeint as s_10m,
        coalesce(n_1h, 0) as n_1h, coalesce(s_1h, 0)::hugeint as s_1h,
        coalesce(n_1d, 0) as n_1d, coalesce(s_1d, 0)::hugeint as s_1d,
        coalesce(n_7d, 0)::hugeint as n_7d, coalesce(s_7d, 0)::hugeint as s_7d, coalesce(q_7d, 0)::hugeint as q_7d,
        coalesce(n_30d, 0)::hugeint as n_30d, coalesce(s_30d, 0)::hugeint as s_30d, coalesce(q_30d, 0)::hugeint as q_30d
    from ledger left join summed using (position)
),
large as (
    select own.position, count(*) as n
    from own join past using (position)
    where ms_ago < 14 * 86400000::bigint and 2 * past.cents::hugeint * (n_30d + 1) > 5 * (s_30d + own.cents)
    group by own.position
),
seen as (
    select own.position,
        bool_or(past.device_id = own.device_id) as device,
        bool_or(past.country = own.country) as country,
        bool_or(past.merchant_id = own.merchant_id) as merchant
    from own join past using (position) group by own.position
),
last_located as (
    select position, now_ms - event_ms as ms_ago, x, y, z
    from past where is_located
    qualify row_number() over (partition by position order by event_ms desc, transaction_id desc) = 1
),
travelled as (
    select position, ms_ago,
        6371.0::double * sqrt((own.x - was.x) * (own.x - was.x) + (own.y - was.y) * (own.y - was.y) + (own.z - was.z) * (own.z - was.z)) as km
    from own join last_located as was using (position) where own.is_located
),
marked as (
    select transaction_id, event_ms, min(known_ms // 3600000) as known_hour from known_fraud group by transaction_id, event_ms
),
sale as (
    select ledger.merchant_id, ledger.hour, known_hour from ledger left join marked using (transaction_id, event_ms)
),
visited as (
    select own.position,
        count(*) filter (sale.hour >= own.hour - 168 - 24) as c_1d,
        count(*) filter (sale.hour >= own.hour - 168 - 168) as c_7d,
        count(*) as c_30d,
        count(*) filter (sale.hour >= own.hour - 168 - 24 and known_hour < own.hour) as f_1d,
        count(*) filter (sale.hour >= own.hour - 168 - 168 and known_hour < own.hour) as f_7d,
        count(*) filter (known_hour < own.hour) as f_30d
    from own join sale on sale.merchant_id = own.merchant_id and sale.hour < own.hour - 168 and sale.hour >= own.hour - 168 - 720
    group by own.position
)
select
    (n_10m + 1)::double as user_count_10m,
    (s_10m + cents)::double / 100 as user_sum_10m,
    (s_10m + cents)::double / (n_10m + 1)::double / 100 as user_mean_10m,
    (n_1h + 1)::double as user_count_1h,
    (s_1h + cents)::double / 100 as user_sum_1h,
    (s_1h + cents)::double / (n_1h + 1)::double / 100 as user_mean_1h,
    (n_1d + 1)::double as user_count_1d,
    (s_1d + cents)::double / 100 as user_sum_1d,
    (s_1d + cents)::double / (n_1d + 1)::double / 100 as user_mean_1d,
    (n_7d + 1)::double as user_count_7d,
    (s_7d + cents)::double / 100 as user_sum_7d,
    (s_7d + cents)::double / (n_7d + 1)::double / 100 as user_mean_7d,
    (n_30d + 1)::double as user_count_30d,
    (s_30d + cents)::double / 100 as user_sum_30d,
    (s_30d + cents)::double / (n_30d + 1)::double / 100 as user_mean_30d,
    case when s_7d > 0 then (cents * n_7d)::double / s_7d::double end as user_amount_ratio_7d,
    case when n_7d > 1 and n_7d * q_7d > s_7d * s_7d then
        ((n_7d * cents - s_7d)::double / n_7d::double) / sqrt((n_7d * q_7d - s_7d * s_7d)::double / (n_7d * (n_7d - 1))::double)
    end as user_amount_z_7d,
    case when s_30d > 0 then (cents * n_30d)::double / s_30d::double end as user_amount_ratio_30d,
    case when n_30d > 1 and n_30d * q_30d > s_30d * s_30d then
        ((n_30d * cents - s_30d)::double / n_30d::double) / sqrt((n_30d * q_30d - s_30d * s_30d)::double / (n_30d * (n_30d - 1))::double)
    end as user_amount_z_30d,
    (coalesce(large.n, 0) + case when 2 * cents * (n_30d + 1) > 5 * (s_30d + cents) then 1 else 0 end)::double as user_large_count_14d,
    ms_since_last::double / 1000 as user_seconds_since_last,
    case when coalesce(device_id, '') <> '' then 1 - coalesce(seen.device, false)::int end::double as user_new_device,
    case when coalesce(own.country, '') <> '' then 1 - coalesce(seen.country, false)::int end::double as user_new_country,
    case when coalesce(merchant_id, '') <> '' then 1 - coalesce(seen.merchant, false)::int end::double as user_new_merchant,
    km as user_distance_km,
    km / greatest(ms_ago::double / 1000, 1.0::double) * 3600 as user_speed_kmh,
    case when coalesce(merchant_id, '') <> '' then coalesce(c_1d, 0) end::double as merchant_count_1d,
    case when coalesce(merchant_id, '') <> '' then coalesce(c_7d, 0) end::double as merchant_count_7d,
    case when coalesce(merchant_id, '') <> '' then coalesce(c_30d, 0) end::double as merchant_count_30d,
    case when merchant_id <> '' and c_1d > 0 then f_1d::double / c_1d::double end as merchant_fraud_share_1d,
    case when merchant_id <> '' and c_7d > 0 then f_7d::double / c_7d::double end as merchant_fraud_share_7d,
    case when merchant_id <> '' and c_30d > 0 then f_30d::double / c_30d::double end as merchant_fraud_share_30d
from own
left join large using (position)
left join seen using (position)
left join travelled using (position)
left join visited using (position)
order by position
