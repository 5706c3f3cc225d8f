select {api_key_columns} from fraudstream.api_key as k order by k.created_at, k.key_id;
