select {alert_columns} from fraudstream.alert_outbox as o where o.transaction_id = %(transaction_id)s order by o.created_at;
