select coalesce(max(version), 0) from fraudstream.schema_version;
