insert into fraudstream.refused (
    stream_epoch, shard_id, sequence_number, sub_sequence, arrival_time, stage, reason, detail
)
values (
    %(stream_epoch)s, %(shard_id)s, %(sequence_number)s, %(sub_sequence)s, %(arrival_time)s, %(stage)s, %(reason)s,
    %(detail)s
)
on conflict (stream_epoch, shard_id, sequence_number, sub_sequence) do nothing;
