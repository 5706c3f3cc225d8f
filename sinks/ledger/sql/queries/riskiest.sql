select {decision_columns} from fraudstream.decision as d order by d.score desc limit 1;
