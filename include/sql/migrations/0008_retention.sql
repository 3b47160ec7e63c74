-- Old publications are dropped, not forgotten: their rows go, the record of them stays.
ALTER TABLE ops.publication ADD COLUMN dropped_at timestamptz;
