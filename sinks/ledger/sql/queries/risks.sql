select risk_level, count(*) from fraudstream.decision group by risk_level;
