select exists (select from fraudstream.alert_outbox where arrival_time > %(since)s and state = 'sent');
