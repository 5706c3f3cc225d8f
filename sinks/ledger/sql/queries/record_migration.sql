insert into fraudstream.schema_version (version, name) values (%(version)s, %(name)s);
