-- How old is what agents see? One row per connected workspace.
-- Seconds: since Salesforce was last read completely, since it was last settled, since the oldest waiting change was made.
SELECT w.workspace_id, w.org_id,
       extract(epoch FROM now() - (SELECT max(p.read_until) FROM proven_window p
                                    WHERE p.org_id = w.org_id AND p.kind IN ('initial', 'incremental')))::int AS salesforce_read_seconds_ago,
       extract(epoch FROM now() - o.settled_until)::int AS settled_seconds_ago,
       extract(epoch FROM now() - (SELECT max(r.finished_at) FROM respond_walk r
                                    WHERE r.workspace_id = w.workspace_id))::int AS respond_walked_seconds_ago,
       extract(epoch FROM now() - l.formulas_as_of)::int AS formulas_read_seconds_ago,
       (SELECT count(*) FROM pending_change p WHERE p.org_id = w.org_id) AS waiting_changes,
       extract(epoch FROM now() - (SELECT min(p.queued_at) FROM pending_change p WHERE p.org_id = w.org_id))::int AS oldest_waits_seconds,
       (SELECT count(*) FROM held_change h WHERE h.org_id = w.org_id AND h.decision IS NULL) AS open_holds
  FROM workspace w
  JOIN salesforce_org o USING (org_id)
  LEFT JOIN sidebar_layout l USING (workspace_id)
 ORDER BY w.workspace_id;
