-- A hold ends: an approval was used, what it was about is over, or a larger one took its place. Of each scope and kind one
-- is in force, so a decision of then says nothing about what happens later.

ALTER TABLE held_change ADD COLUMN ended_at timestamptz;
COMMENT ON COLUMN held_change.ended_at IS 'When the hold was over: its approval was used, nothing was withheld any more, or a larger hold took its place. Null while it, or the decision on it, is in force.';
UPDATE held_change h
   SET ended_at = coalesce(h.applied_at, h.decided_at)
 WHERE h.decision IS NOT NULL
   AND (h.decision = 'withdrawn' OR h.applied_at IS NOT NULL
        OR EXISTS (SELECT FROM held_change l WHERE l.org_id = h.org_id AND l.workspace_id IS NOT DISTINCT FROM h.workspace_id
                      AND l.kind = h.kind AND l.hold_id > h.hold_id)
        OR (h.kind <> 'gate' AND NOT EXISTS (SELECT FROM held_contact c WHERE c.workspace_id = h.workspace_id AND c.kind = h.kind))
        OR (h.kind = 'gate' AND 'held' IS DISTINCT FROM (
               SELECT verdict FROM quality_run q WHERE q.org_id = h.org_id ORDER BY quality_run_id DESC LIMIT 1)));
ALTER TABLE held_change ADD CONSTRAINT held_change_ends_decided CHECK (ended_at IS NULL OR decision IS NOT NULL);
DROP INDEX held_change_one_open;
CREATE UNIQUE INDEX held_change_one_in_force ON held_change (org_id, coalesce(workspace_id, ''), kind) WHERE ended_at IS NULL;

CREATE OR REPLACE FUNCTION forget_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM held_contact WHERE workspace_id = NEW.workspace_id;
    UPDATE held_change
       SET decision = coalesce(decision, 'withdrawn'), decided_at = coalesce(decided_at, now()), ended_at = now()
     WHERE workspace_id = NEW.workspace_id AND ended_at IS NULL;
    RETURN NULL;
END
$$;

-- What a workspace minds changed: what is held is weighed again.
CREATE FUNCTION weigh_holds_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
    SELECT org_id, workspace_id, CASE kind WHEN 'unmatch' THEN 'respond_key' ELSE 'sidebar_row' END, respond_id::text
      FROM held_contact
     WHERE workspace_id = NEW.workspace_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER workspace_weighs_holds_again AFTER UPDATE OF brake_count, brake_share ON workspace FOR EACH ROW
    WHEN ((NEW.brake_count, NEW.brake_share) IS DISTINCT FROM (OLD.brake_count, OLD.brake_share))
    EXECUTE FUNCTION weigh_holds_again();

-- Of a held row only the loss is withheld. Its as_of stays: that is how the next run sees that the loss is still to come.
CREATE FUNCTION kept_values(shown jsonb, found jsonb, chosen text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(name, shown -> name), '{}')
      FROM unnest(chosen) AS name
     WHERE coalesce(shown -> name, 'null') <> 'null'
       AND coalesce(found -> name, 'null') = 'null'
$$;
COMMENT ON FUNCTION kept_values(jsonb, jsonb, text[]) IS 'What of the chosen fields a sidebar row shows and the record has no longer.';

CREATE FUNCTION write_held_rows(wanted_workspace text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    serving_org text;
    base_url text;
    chosen text[];
    lost jsonb;
    changed bigint;
BEGIN
    SELECT o.org_id, o.instance_url, array_agg(c.field_name),
           coalesce(jsonb_object_agg(f.name, f.lost_at) FILTER (WHERE f.lost_at IS NOT NULL), '{}')
      INTO serving_org, base_url, chosen, lost
      FROM workspace w
      JOIN salesforce_org o ON o.org_id = w.org_id
      JOIN sidebar_field_choice c ON c.workspace_id = w.workspace_id
      LEFT JOIN salesforce_field f ON f.org_id = o.org_id AND f.name = c.field_name
     WHERE w.workspace_id = wanted_workspace
     GROUP BY o.org_id;
    EXECUTE format($update$
        UPDATE sidebar_fields h
           SET salesforce_url = $3 || '/lightning/r/Contact/' || m.salesforce_id || '/view', matched_by = m.matched_by,
               fields = n.fields || kept_values(h.fields, n.fields, $5),
               stale = $4 || (SELECT coalesce(jsonb_object_agg(k.name, coalesce(h.stale -> k.name, to_jsonb(now()))), '{}')
                                FROM jsonb_object_keys(kept_values(h.fields, n.fields, $5)) AS k (name)),
               refreshed_at = now()
          FROM changed_row x
          JOIN held_contact c ON c.workspace_id = x.workspace_id AND c.respond_id = x.respond_id AND c.kind = 'blank'
          JOIN contact_match m ON m.org_id = $2 AND m.workspace_id = x.workspace_id AND m.respond_id = x.respond_id
          JOIN salesforce_contact s ON s.org_id = $2 AND s.salesforce_id = m.salesforce_id
         CROSS JOIN LATERAL (SELECT %s AS fields) AS n
         WHERE x.workspace_id = $1
           AND h.workspace_id = x.workspace_id AND h.respond_id = x.respond_id AND h.salesforce_id = m.salesforce_id
           AND ((h.salesforce_url, h.matched_by, h.fields) IS DISTINCT FROM
                ($3 || '/lightning/r/Contact/' || m.salesforce_id || '/view', m.matched_by, n.fields || kept_values(h.fields, n.fields, $5))
                OR NOT h.stale ?& ARRAY(SELECT jsonb_object_keys($4 || kept_values(h.fields, n.fields, $5))))
        $update$, sidebar_expression(wanted_workspace)) USING wanted_workspace, serving_org, base_url, lost, chosen;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION write_held_rows(text) IS 'Write those sidebar rows in changed_row that the brake holds: what is new, beside the values that would be lost, which are marked stale.';
COMMENT ON COLUMN sidebar_fields.stale IS '{API name: since when} of values that can no longer be read, or that the brake keeps though Salesforce has none.';
COMMENT ON COLUMN sidebar_field_values.is_stale IS 'Whether it can no longer be read, or is kept by the brake: this is the last known value.';
