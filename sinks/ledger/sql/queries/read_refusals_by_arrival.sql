select {refused_columns}, r.refused_at, r.resolved_at, r.replayed_at
from fraudstream.refused as r
order by
    r.arrival_time,
    r.stream_epoch,
    r.shard_id,
    char_length(r.sequence_number),
    r.sequence_number collate "C",
    r.sub_sequence;
