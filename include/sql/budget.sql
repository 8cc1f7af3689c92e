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
-- A caller that yields gets no row while a lane before its own is at work; rank 0 is edit, 1 create, 2 everything else.
-- Params: bucket_id text, interval_seconds float, rank int, is_yielding boolean | Rows: 0..1 (wait_seconds)
INSERT INTO rate_bucket AS held (bucket_id, next_free_at, edit_until, create_until)
VALUES (%(bucket_id)s, clock_timestamp() + make_interval(secs => %(interval_seconds)s),
        CASE WHEN %(rank)s = 0 THEN clock_timestamp() + interval '500 ms' END,
        CASE WHEN %(rank)s = 1 THEN clock_timestamp() + interval '500 ms' END)
ON CONFLICT (bucket_id)
-- clock_timestamp, not now(): a transaction that waited for the row must not use the time it began
DO UPDATE SET next_free_at = greatest(held.next_free_at, clock_timestamp()) + make_interval(secs => %(interval_seconds)s),
              -- at work until half a second after its slot: the next call of the same lane comes by then
              edit_until = CASE WHEN %(rank)s = 0 THEN greatest(held.next_free_at, clock_timestamp()) + interval '500 ms'
                                ELSE held.edit_until END,
              create_until = CASE WHEN %(rank)s = 1 THEN greatest(held.next_free_at, clock_timestamp()) + interval '500 ms'
                                  ELSE held.create_until END
        WHERE NOT %(is_yielding)s
           OR NOT (coalesce(%(rank)s > 0 AND held.edit_until > clock_timestamp(), false)
                   OR coalesce(%(rank)s > 1 AND held.create_until > clock_timestamp(), false))
RETURNING greatest(0, extract(epoch FROM next_free_at - clock_timestamp()) - %(interval_seconds)s)::float8
          AS wait_seconds;

-- name: delay_bucket
-- Keep the bucket closed for some seconds from now; never opens one earlier.
-- Params: bucket_id text, delay_seconds float | Rows: none
INSERT INTO rate_bucket (bucket_id, next_free_at)
VALUES (%(bucket_id)s, clock_timestamp() + make_interval(secs => %(delay_seconds)s))
ON CONFLICT (bucket_id)
DO UPDATE SET next_free_at = greatest(rate_bucket.next_free_at, excluded.next_free_at);
