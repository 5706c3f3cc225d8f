select pg_try_advisory_xact_lock(hashtextextended(%(name)s, 0));
