select {alert_columns} from fraudstream.alert_outbox as o;
