-- The event time of these records is not known, so every partition is asked, by a probe of the index on the arrival time for each
-- position. `offset 0` keeps the planner from reading whatever arrived between the first and the last of them.
select found.*
from unnest(
    %(stream_epochs)s::text[],
    %(shard_ids)s::text[],
    %(sequence_numbers)s::text[],
    %(sub_sequences)s::bigint[],
    %(arrival_times)s::timestamptz[]
) as asked (stream_epoch, shard_id, sequence_number, sub_sequence, arrival_time)
cross join lateral (
    select {decision_columns}
    from fraudstream.decision as d
    where d.arrival_time = asked.arrival_time
        and d.sequence_number = asked.sequence_number
        and d.sub_sequence = asked.sub_sequence
        and d.shard_id = asked.shard_id
        and d.stream_epoch = asked.stream_epoch
    offset 0
) as found;
