-- Not now(), which is when the transaction began: before it waited for its turn.
select clock_timestamp();
