-- What the front door keeps: which event a transaction id stands for, and who may ask.

-- Written before the event is published, so that a retry through another gateway publishes the very same event. First write wins.
create table fraudstream.reservation (
    transaction_id text primary key check (char_length(transaction_id) <= 128),
    event_time timestamptz not null,
    content_hash bytea not null check (octet_length(content_hash) = 16),
    reserved_at timestamptz not null default now()
);
-- For retention, which deletes the oldest.
create index reservation_by_age on fraudstream.reservation (reserved_at);

-- Never a key itself: `secret_hash` is of its secret part with `salt` and a pepper that the database does not know.
create table fraudstream.api_key (
    key_id text primary key check (char_length(key_id) <= 64),
    name text not null check (char_length(name) <= 128),
    salt bytea not null,
    secret_hash bytea not null,
    scopes text[] not null,
    rate_per_s double precision not null check (rate_per_s > 0 and rate_per_s < 'infinity'),
    burst integer not null check (burst >= 1),
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz
);
