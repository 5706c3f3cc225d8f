-- A replay writes this together with its decision: so a decision at a refused position is told from one that should not be there.
-- `resolved_at` follows when the row stands in the lake.
alter table fraudstream.refused add column replayed_at timestamptz;
