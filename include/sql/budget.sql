-- API calls by day, org and lane (api_usage), and when the next call of a rate limit is free (rate_bucket).
-- A bucket has no status: next_free_at in the past means that nobody waits.

-- name: count_calls
-- Add calls to today's count of one org and lane.
-- Params: org_id text, lane text, calls int | Rows: none
INSERT INTO api_usage (day, org_id, lane, calls)
VALUES ((now() AT TIME ZONE 'UTC')::date, %(org_id)s, %(lane)s, %(calls)s)
ON CONFLICT (day, org_id, lane)
DO UPDATE SET calls = api_usage.calls + excluded.calls;

-- name: take_slot
-- Reserve the bucket's next free moment and say how long to wait for it; callers stand in line on the row.
-- Params: bucket_id text, interval_seconds float | Rows: 1 (wait_seconds)
INSERT INTO rate_bucket (bucket_id, next_free_at)
VALUES (%(bucket_id)s, clock_timestamp() + make_interval(secs => %(interval_seconds)s))
ON CONFLICT (bucket_id)
-- clock_timestamp, not now(): a transaction that waited for the row must not use the time it began
DO UPDATE SET next_free_at = greatest(rate_bucket.next_free_at, clock_timestamp())
                             + make_interval(secs => %(interval_seconds)s)
RETURNING greatest(0, extract(epoch FROM next_free_at - clock_timestamp()) - %(interval_seconds)s)::float8
          AS wait_seconds;

-- name: delay_bucket
-- Keep the bucket closed for some seconds from now; never opens one earlier.
-- Params: bucket_id text, delay_seconds float | Rows: none
INSERT INTO rate_bucket (bucket_id, next_free_at)
VALUES (%(bucket_id)s, clock_timestamp() + make_interval(secs => %(delay_seconds)s))
ON CONFLICT (bucket_id)
DO UPDATE SET next_free_at = greatest(rate_bucket.next_free_at, excluded.next_free_at);
