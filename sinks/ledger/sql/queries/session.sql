-- A stopped process must not hold rows against the new owner of its shard, and nothing may wait without end.
set timezone = 'UTC';
set statement_timeout = '30s';
set lock_timeout = '10s';
set idle_in_transaction_session_timeout = '10s';
-- The effective rows are read by a second statement, which must see what others committed meanwhile.
set default_transaction_isolation = 'read committed';
-- Everything asked here has an index, and a week that has just begun has no statistics that would say so. Nor is it known yet which
-- of its rows everybody sees: then a bitmap and a sort seem cheaper than the index in its order, from which alone a history is read.
set enable_seqscan = off;
set enable_bitmapscan = off;
-- A role or a database may have it off: then a crash of the server forgets what was committed and checkpointed.
set synchronous_commit = on;
