-- What the planner cannot know, told to it for the rest of a transaction by normalizing, matching and materializing.
-- It takes a table for free to read that was emptied and is being filled again, and would read it whole for each row.

-- name: allow_large_joins
-- Let this transaction's joins and sorts of everybody stay in memory.
-- Params: none | Rows: none
SET LOCAL work_mem = '256MB';

-- name: keep_working_tables_in_memory
-- Let the working tables of everybody stay in memory; a session that has used some already keeps what it has.
-- Params: none | Rows: 1
SELECT keep_working_tables_in_memory();

-- name: join_by_hash
-- Where everybody is looked at, read each table once, however empty it seems.
-- Params: none | Rows: none
SET LOCAL enable_nestloop = off;

-- name: join_out_of_order
-- Let no index be read from its beginning to the last id looked for: wherever that lies, the planner takes it for near.
-- Params: none | Rows: none
SET LOCAL enable_mergejoin = off;

-- name: find_by_index
-- Where less than a quarter is looked at, find rows one by one, however empty their table seems.
-- Params: none | Rows: none
SET LOCAL enable_seqscan = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_memoize = off;

-- name: find_and_mark_nothing
-- Let the next statement leave index entries of rows that are gone as they are: after a checkpoint, each page of which one is marked goes to the log.
-- Params: none | Rows: none
SET LOCAL enable_indexscan = off;
SET LOCAL enable_seqscan = off;

-- name: find_as_ever
-- Leave it to the planner again how an index is read.
-- Params: none | Rows: none
SET LOCAL enable_indexscan TO DEFAULT;
SET LOCAL enable_seqscan TO DEFAULT;
