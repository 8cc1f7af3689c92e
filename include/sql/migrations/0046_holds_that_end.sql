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
