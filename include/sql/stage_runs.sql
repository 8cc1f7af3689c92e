-- The record of what ran: one row per stage, run and scope.
-- stage_run: running > succeeded | failed | held | deferred; a retry of the same run begins the row anew.

-- name: start_stage_run
-- Begin the record of a stage's run.
-- Params: run_id text, stage text, scope text | Rows: none
INSERT INTO stage_run (run_id, stage, scope)
VALUES (%(run_id)s, %(stage)s, %(scope)s)
ON CONFLICT (run_id, stage, scope) DO UPDATE
   SET started_at = clock_timestamp(), finished_at = NULL, status = 'running', counts = '{}', error = NULL;

-- name: finish_stage_run
-- End the record with its counts.
-- Params: run_id text, stage text, scope text, status text, counts json, error text | Rows: none
UPDATE stage_run
   SET status = %(status)s, counts = %(counts)s::jsonb, error = %(error)s, finished_at = clock_timestamp()
 WHERE run_id = %(run_id)s
   AND stage = %(stage)s
   AND scope = %(scope)s;
