-- What docs/data-dictionary.md is made of: one row per column of each table and view, in the order to print them.
SELECT c.relname AS relation, CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END AS kind, obj_description(c.oid, 'pg_class') AS about,
       a.attname AS name, CASE WHEN a.attnotnull AND c.relkind = 'r' THEN format_type(a.atttypid, a.atttypmod) || ', not null'
                               ELSE format_type(a.atttypid, a.atttypmod) END AS type,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)) AS is_key,
       col_description(c.oid, a.attnum) AS meaning, m.mask
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN analyst_column_mask m ON m.relation = c.relname AND m.name = a.attname
 WHERE c.relnamespace = 'contact_sync'::regnamespace
   AND c.relkind IN ('r', 'v')
 ORDER BY c.relname, a.attnum;
