-- One probe for a whole batch: sequence numbers of one length sort as text in the order of the numbers.
select 1
from fraudstream.refused
where stream_epoch = %(stream_epoch)s
    and shard_id = %(shard_id)s
    and sequence_number between %(first)s and %(last)s
limit 1;
