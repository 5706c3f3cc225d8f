select {api_key_columns} from fraudstream.api_key as k where k.key_id = %(key_id)s;
