select {refused_columns}, r.refused_at, r.resolved_at, r.replayed_at
from fraudstream.refused as r
where r.stream_epoch = %(stream_epoch)s
    and r.shard_id = %(shard_id)s
    and r.sequence_number = %(sequence_number)s
    and r.sub_sequence = %(sub_sequence)s;
