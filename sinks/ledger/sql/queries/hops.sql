-- Arrival is Kinesis' clock, the others are the worker's and the database's: a hop holds the difference of the clocks.
with latest as materialized (
    select
        extract(epoch from received_at - arrival_time)::double precision * 1000 as to_received_ms,
        extract(epoch from scored_at - received_at)::double precision * 1000 as to_scored_ms
    from fraudstream.decision
    where arrival_time >= %(since)s - interval '1 minute' and scored_at >= %(since)s
), told as materialized (
    select extract(epoch from sent_at - created_at)::double precision * 1000 as to_told_ms
    from fraudstream.alert_outbox
    where sent_at >= %(since)s
)
select
    (select percentile_cont(array[0.5, 0.99]) within group (order by to_received_ms) from latest),
    (select percentile_cont(array[0.5, 0.99]) within group (order by to_scored_ms) from latest),
    (select percentile_cont(array[0.5, 0.99]) within group (order by to_told_ms) from told);
