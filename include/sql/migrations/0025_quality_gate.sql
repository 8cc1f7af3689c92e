-- The quality gate: what each run of its suites found, in counts and ids; and which approval was used up.

CREATE TABLE quality_run (
    quality_run_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id          salesforce_id NOT NULL REFERENCES salesforce_org ON DELETE CASCADE,
    run_id          text NOT NULL,
    why             text NOT NULL,
    verdict         text NOT NULL,
    affected        bigint NOT NULL DEFAULT 0,
    measures        jsonb NOT NULL,
    ran_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT quality_run_why CHECK (why IN ('first_load', 'backfill', 'large_delta', 'daily', 'held')),
    CONSTRAINT quality_run_verdict CHECK (verdict IN ('passed', 'approved', 'held'))
);
CREATE INDEX quality_run_by_org ON quality_run (org_id, quality_run_id);
COMMENT ON TABLE quality_run IS 'One row per run of an org''s quality suites. While the latest one is held, the org is not matched.';
COMMENT ON COLUMN quality_run.why IS 'What made it due: a first load, a backfill, more than 10,000 merged rows, a day, or an open hold.';
COMMENT ON COLUMN quality_run.verdict IS 'passed; approved (a person accepted what failed); held (waits for a person or for better data).';
COMMENT ON COLUMN quality_run.affected IS 'Rows concerned by the worst check that failed.';
COMMENT ON COLUMN quality_run.measures IS 'Counts only; those of the last passed or approved run are what drift is measured against.';

CREATE TABLE quality_result (
    quality_run_id  bigint NOT NULL REFERENCES quality_run ON DELETE CASCADE,
    name            text NOT NULL,
    is_met          boolean NOT NULL,
    observed        double precision NOT NULL,
    at_least        double precision,
    at_most         double precision,
    sample_ids      text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (quality_run_id, name)
);
COMMENT ON TABLE quality_result IS 'One row per quality run and expectation: the observed count or share and its limits, never a value.';
COMMENT ON COLUMN quality_result.observed IS 'A count of rows, or a share between 0 and 1.';
COMMENT ON COLUMN quality_result.sample_ids IS 'Ids of up to 20 contacts that do not meet it.';

ALTER TABLE held_change ADD COLUMN applied_at timestamptz;
COMMENT ON COLUMN held_change.applied_at IS 'When a run used the approval; an approval serves once.';
