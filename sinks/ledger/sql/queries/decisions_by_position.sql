-- The event time of these records is not known, so every partition is asked, once, by the index on the arrival time.
with arrived as materialized (
    select {decision_columns}
    from fraudstream.decision as d
    where d.arrival_time between %(first)s::timestamptz and %(last)s::timestamptz
)
select {decision_columns}
from arrived as d
join unnest(
    %(stream_epochs)s::text[],
    %(shard_ids)s::text[],
    %(sequence_numbers)s::text[],
    %(sub_sequences)s::bigint[],
    %(arrival_times)s::timestamptz[]
) as asked (stream_epoch, shard_id, sequence_number, sub_sequence, arrival_time)
    using (stream_epoch, shard_id, sequence_number, sub_sequence, arrival_time);
