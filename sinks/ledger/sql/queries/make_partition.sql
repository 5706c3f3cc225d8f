-- Writers take `row exclusive` on the parent before their rows are routed, so each of them ends before this begins or finds the new
-- partition. The lock on the default partition alone would not do: a writer that had planned before, and waited for it, put its row
-- there although the partition was attached (seen with PostgreSQL 18.4 under load: 3 events in 171 moves decided twice). Readers go on.
lock table only fraudstream.decision in share row exclusive mode;
-- The default partition is locked before its rows move, or a row that arrives in between would make the attaching fail.
lock table fraudstream.decision_default in access exclusive mode;
create table fraudstream.{partition} (like fraudstream.decision including all);
with moved as (
    delete from fraudstream.decision_default where event_time >= {first} and event_time < {end} returning *
)
insert into fraudstream.{partition} select * from moved;
alter table fraudstream.decision attach partition fraudstream.{partition} for values from ({first}) to ({end});
