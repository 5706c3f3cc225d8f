select to_regclass('fraudstream.schema_version') is not null;
