-- The one table of each peer: a row a decision, found by its transaction.
create table scored_payment (
    transaction_id text primary key, event_time timestamptz not null, user_id text not null, amount numeric(18, 2) not null,
    currency text, merchant_id text, merchant_category text, channel text, country text, device_id text, ip_address text,
    card_id text, score double precision not null, is_fraud boolean not null, risk_level text not null,
    model_version text not null, scored_at timestamptz not null default now()
);
