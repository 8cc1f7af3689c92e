-- Operations: what ran, what it cost, how fast it may go.
-- A stage_run: running > succeeded | failed | held | deferred.

CREATE TABLE stage_run (
    run_id       text NOT NULL,
    stage        text NOT NULL,
    scope        text NOT NULL,
    counts       jsonb NOT NULL DEFAULT '{}',
    started_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at  timestamptz,
    status       text NOT NULL DEFAULT 'running',
    error        text,
    PRIMARY KEY (run_id, stage, scope),
    CONSTRAINT stage_run_status CHECK (status IN ('running', 'succeeded', 'failed', 'held', 'deferred'))
);
CREATE INDEX stage_run_by_start ON stage_run (started_at);
COMMENT ON TABLE stage_run IS 'One row per stage, run and scope (an org or a workspace), with its counts.';
COMMENT ON COLUMN stage_run.error IS 'The message of the error that ended it: names the next action, holds no personal data.';

CREATE TABLE api_usage (
    day     date NOT NULL,
    org_id  salesforce_id NOT NULL,
    lane    text NOT NULL,
    calls   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (day, org_id, lane),
    CONSTRAINT api_usage_lane CHECK (lane IN ('edit', 'create', 'extract', 'backfill'))
);
COMMENT ON TABLE api_usage IS 'Salesforce API calls per day (UTC), org and lane.';

CREATE TABLE rate_bucket (
    bucket_id     text PRIMARY KEY,
    next_free_at  timestamptz NOT NULL
);
COMMENT ON TABLE rate_bucket IS 'Rate limits shared by all workers: when the next call may start.';
