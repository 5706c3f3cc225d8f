-- What features with a memory read: a user's history from one index alone, a merchant's closed hours, and labels.

-- A cold user's history is read from the index alone, newest first, ties by the id's code points: in just this order it lies there.
create index decision_history on fraudstream.decision (user_id, event_time, transaction_id collate "C")
    include (amount, currency, merchant_id, location_country, device_id, location_latitude, location_longitude);
drop index fraudstream.decision_by_user;

-- What was reported of a transaction; the first report of a source wins. `event_time` is null until the event is decided, unless the
-- report says which of several events with this id it means. `reported_at` is the source's own time; `known_at` the ledger's, and
-- features go by it. `due_at`: when the roll-up looks at the label (again); null: it has done with it.
create table fraudstream.label (
    transaction_id text not null check (char_length(transaction_id) <= 128),
    event_time timestamptz,
    source text not null check (char_length(source) <= 32),
    is_fraud boolean not null,
    reported_at timestamptz not null,
    known_at timestamptz not null,
    due_at timestamptz,
    unique nulls not distinct (transaction_id, source, event_time)
);
create index label_due on fraudstream.label (due_at) where due_at is not null;

-- Rolled up from decisions and labels by the housekeeping process. Hours are whole hours since 1970, UTC.
create table fraudstream.merchant_hour (
    merchant_id text not null,
    hour integer not null,
    count integer not null,
    primary key (merchant_id, hour)
);
-- Frauds by the hour in which they happened and the hour in which they became known.
create table fraudstream.merchant_fraud (
    merchant_id text not null,
    hour integer not null,
    known_hour integer not null,
    frauds integer not null,
    primary key (merchant_id, hour, known_hour)
);
-- For retention, which deletes whole hours.
create index merchant_hour_by_hour on fraudstream.merchant_hour (hour);
create index merchant_fraud_by_hour on fraudstream.merchant_fraud (hour);
-- One row: the hours before `hours_until` are counted. Set it back, and the hours from there on are counted again.
create table fraudstream.roll_up (
    is_only boolean primary key default true check (is_only),
    hours_until integer not null default 0
);
insert into fraudstream.roll_up default values;
