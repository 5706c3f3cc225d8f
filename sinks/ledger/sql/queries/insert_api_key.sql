insert into fraudstream.api_key (
    key_id, name, salt, secret_hash, scopes, rate_per_s, burst, created_at, expires_at, revoked_at
)
values (
    %(key_id)s, %(name)s, %(salt)s, %(secret_hash)s, %(scopes)s, %(rate_per_s)s, %(burst)s, %(created_at)s,
    %(expires_at)s, %(revoked_at)s
);
