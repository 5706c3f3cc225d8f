-- The ledger: decisions (first write wins on the identity), refusals (first verdict wins on the position), alerts to tell.
-- The columns of `decision` are schemas.lake.LEDGER_COLUMNS; a test compares them.
create schema fraudstream;

create table fraudstream.schema_version (
    version integer primary key,
    name text not null,
    applied_at timestamptz not null default now()
);

create table fraudstream.decision (
    transaction_id text not null check (char_length(transaction_id) <= 128),
    event_time timestamptz not null,
    user_id text not null check (char_length(user_id) <= 128),
    amount numeric(18,2) not null check (amount >= 0 and amount <> 'NaN'),
    currency text check (char_length(currency) <= 3),
    merchant_id text check (char_length(merchant_id) <= 128),
    merchant_category text check (char_length(merchant_category) <= 64),
    channel text check (char_length(channel) <= 32),
    location_country text check (char_length(location_country) <= 64),
    location_state text check (char_length(location_state) <= 64),
    location_city text check (char_length(location_city) <= 64),
    location_latitude double precision,
    location_longitude double precision,
    device_type text check (char_length(device_type) <= 32),
    device_id text check (char_length(device_id) <= 128),
    ip_address text check (char_length(ip_address) <= 45),
    card_id text check (char_length(card_id) <= 128),
    local_hour smallint not null,
    local_weekday smallint not null,
    previous_transactions_count integer,
    content_hash bytea not null check (octet_length(content_hash) = 16),
    features bytea not null,
    score real not null check (score >= 0 and score <= 1),
    classification smallint not null,
    risk_level text not null,
    confidence text not null,
    reasons jsonb,
    model_version text not null,
    policy_version text not null,
    feature_set text not null,
    stream_epoch text not null,
    shard_id text not null,
    sequence_number text not null,
    sub_sequence bigint not null,
    arrival_time timestamptz not null,
    received_at timestamptz not null,
    scored_at timestamptz not null,
    primary key (transaction_id, event_time)
) partition by range (event_time);

create table fraudstream.decision_default partition of fraudstream.decision default;

-- A cold user's history is read from the index alone.
create index decision_by_user on fraudstream.decision (user_id, event_time)
    include (amount, merchant_id, location_country, device_id, location_latitude, location_longitude);
create index decision_that_alerts on fraudstream.decision (event_time) where risk_level in ('high', 'critical');
create index decision_by_event_time on fraudstream.decision using brin (event_time) with (autosummarize = on);
-- Finds a decided record by its position when newer code cannot read it: the position is known, the identity is not. Not BRIN:
-- what arrived since the last vacuum is in no summary, and that is where such records are looked for.
create index decision_by_arrival on fraudstream.decision (arrival_time);

create table fraudstream.refused (
    stream_epoch text not null check (char_length(stream_epoch) <= 32),
    shard_id text not null check (char_length(shard_id) <= 128),
    sequence_number text not null check (char_length(sequence_number) <= 128),
    sub_sequence bigint not null,
    arrival_time timestamptz not null,
    stage text not null check (char_length(stage) <= 32),
    reason text not null check (char_length(reason) <= 64),
    detail jsonb not null,
    refused_at timestamptz not null default now(),
    resolved_at timestamptz,
    primary key (stream_epoch, shard_id, sequence_number, sub_sequence)
);

create table fraudstream.alert_outbox (
    alert_id uuid primary key,
    transaction_id text not null check (char_length(transaction_id) <= 128),
    event_time timestamptz not null,
    user_id text not null check (char_length(user_id) <= 128),
    rule text not null check (char_length(rule) <= 64),
    severity text not null check (char_length(severity) <= 16),
    arrival_time timestamptz not null,
    payload json not null, -- not jsonb: the text is sent as it was written
    attributes jsonb not null,
    created_at timestamptz not null default now(),
    state text not null default 'pending' check (state in ('pending', 'sent', 'parked', 'suppressed')),
    suppressed_reason text check (char_length(suppressed_reason) <= 64),
    attempts integer not null default 0,
    next_attempt_at timestamptz not null default now(),
    claimed_until timestamptz,
    last_error text,
    message_id text,
    sent_at timestamptz,
    check ((state = 'suppressed') = (suppressed_reason is not null)),
    check ((state = 'sent') = (sent_at is not null))
);
create index alert_outbox_pending on fraudstream.alert_outbox (created_at, alert_id) where state = 'pending';
create index alert_outbox_by_transaction on fraudstream.alert_outbox (transaction_id);
