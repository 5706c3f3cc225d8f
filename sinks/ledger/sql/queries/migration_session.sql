-- Whoever waits for a lock on a table makes every later writer wait behind it, so never for long.
set timezone = 'UTC';
set lock_timeout = '10s';
