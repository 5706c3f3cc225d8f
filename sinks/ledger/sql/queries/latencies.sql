select
    percentile_cont(0.5) within group (order by latency_ms),
    percentile_cont(0.99) within group (order by latency_ms)
from (
    select extract(epoch from scored_at - arrival_time)::double precision * 1000 as latency_ms
    from fraudstream.decision
    where arrival_time >= %(since)s - interval '1 minute' and scored_at >= %(since)s
) as latest;
