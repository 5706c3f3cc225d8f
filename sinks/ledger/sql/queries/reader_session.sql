-- A reader may pause between two pages of a long result.
set timezone = 'UTC';
set statement_timeout = '5min';
set lock_timeout = '10s';
set idle_in_transaction_session_timeout = '10min';
set default_transaction_read_only = on;
