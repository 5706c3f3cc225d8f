select {decision_columns} from fraudstream.decision as d where d.transaction_id = %(transaction_id)s order by d.event_time;
