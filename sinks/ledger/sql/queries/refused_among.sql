-- Like `refused_between`, for stretches of several shards: one probe each.
select 1
from unnest(%(stream_epochs)s::text[], %(shard_ids)s::text[], %(firsts)s::text[], %(lasts)s::text[])
    as asked (stream_epoch, shard_id, first, last)
cross join lateral (
    select
    from fraudstream.refused as r
    where r.stream_epoch = asked.stream_epoch
        and r.shard_id = asked.shard_id
        and r.sequence_number between asked.first and asked.last
    limit 1
) as found
limit 1;
