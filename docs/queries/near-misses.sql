-- Who nearly matched, and what is to be changed in which system? At most 500.
-- One row per pair; both raw values as their systems hold them.
SELECT n.workspace_id, n.respond_id, n.respond_value, n.salesforce_id, n.salesforce_field, n.salesforce_value,
       n.nearness, n.hint
  FROM near_miss n
 ORDER BY n.workspace_id, n.kind, n.respond_id, n.salesforce_id
 LIMIT 500;
