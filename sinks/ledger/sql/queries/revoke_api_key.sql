update fraudstream.api_key set revoked_at = coalesce(revoked_at, %(at)s) where key_id = %(key_id)s;
