-- Counting one hour of a busy stream reads all of its rows; still well below the time after which housekeeping counts as stuck.
set statement_timeout = '2min';
-- Off for the workers' look-ups; here it is how the rows of an hour are found by the BRIN index instead of in a whole week.
set enable_bitmapscan = on;
