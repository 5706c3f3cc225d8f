select {decision_columns} from fraudstream.decision as d where d.stream_epoch = %(stream_epoch)s;
