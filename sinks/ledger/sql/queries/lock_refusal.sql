-- Replays of one letter take turns here; statements after this one see what the one before committed.
select r.resolved_at is not null
from fraudstream.refused as r
where r.stream_epoch = %(stream_epoch)s
    and r.shard_id = %(shard_id)s
    and r.sequence_number = %(sequence_number)s
    and r.sub_sequence = %(sub_sequence)s
for no key update;
