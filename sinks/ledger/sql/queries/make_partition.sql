-- The default partition is locked before its rows move, or a row that arrives in between would make the attaching fail.
lock table fraudstream.decision_default in access exclusive mode;
create table fraudstream.{partition} (like fraudstream.decision including all);
with moved as (
    delete from fraudstream.decision_default where event_time >= {first} and event_time < {end} returning *
)
insert into fraudstream.{partition} select * from moved;
alter table fraudstream.decision attach partition fraudstream.{partition} for values from ({first}) to ({end});
