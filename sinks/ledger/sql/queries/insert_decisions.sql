-- Without the order two writers of the same keys deadlock.
insert into fraudstream.decision ({columns})
select {columns} from staging order by transaction_id, event_time
on conflict (transaction_id, event_time) do nothing
returning transaction_id, event_time;
