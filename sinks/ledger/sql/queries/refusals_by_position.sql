-- `offset 0`: a probe of the primary key for each position, with or without statistics.
select found.*
from unnest(
    %(stream_epochs)s::text[], %(shard_ids)s::text[], %(sequence_numbers)s::text[], %(sub_sequences)s::bigint[]
) as asked (stream_epoch, shard_id, sequence_number, sub_sequence)
cross join lateral (
    select {refused_columns}
    from fraudstream.refused as r
    where r.stream_epoch = asked.stream_epoch
        and r.shard_id = asked.shard_id
        and r.sequence_number = asked.sequence_number
        and r.sub_sequence = asked.sub_sequence
    offset 0
) as found;
