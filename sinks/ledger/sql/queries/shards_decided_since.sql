select distinct shard_id from fraudstream.decision where arrival_time > %(since)s;
