-- A column is one array, which is unnested here: so the statement takes part in a pipeline, which a COPY cannot.
-- Without the order two writers of the same keys deadlock.
insert into fraudstream.decision ({columns})
select {columns} from (select {unnested_columns}) as given order by transaction_id, event_time
on conflict (transaction_id, event_time) do nothing
returning transaction_id, event_time;
