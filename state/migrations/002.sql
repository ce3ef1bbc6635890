-- What was seen of a run beside its metrics (spec.Observation): the evidence that
-- self-checks are computed from whenever the run is judged.
ALTER TABLE run ADD COLUMN seen TEXT CHECK (json_valid(seen));
