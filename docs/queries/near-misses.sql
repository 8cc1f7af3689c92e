-- Who nearly matched, and what is to be changed in which system? The first 500 found: without the LIMIT all, which may take a minute.
-- One row per pair; both raw values as their systems hold them.
WITH found AS (
    SELECT workspace_id, respond_id, respond_value, salesforce_id, salesforce_field, salesforce_value, kind, nearness, hint
      FROM near_miss
     LIMIT 500
)
SELECT workspace_id, respond_id, respond_value, salesforce_id, salesforce_field, salesforce_value, nearness, hint
  FROM found
 ORDER BY workspace_id, kind, respond_id, salesforce_id;
