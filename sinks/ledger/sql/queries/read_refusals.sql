select {refused_columns}, r.refused_at, r.resolved_at, r.replayed_at from fraudstream.refused as r where r.stream_epoch = %(stream_epoch)s;
