update fraudstream.refused
set resolved_at = now()
where stream_epoch = %(stream_epoch)s
    and shard_id = %(shard_id)s
    and sequence_number = %(sequence_number)s
    and sub_sequence = %(sub_sequence)s
    and resolved_at is null;
