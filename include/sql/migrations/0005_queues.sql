-- Work that flows back: creations in respond.io, edits in Salesforce.
-- creation: planned > creating > created > tagged, or adopted, skipped, held, rejected; edit: queued > applying > applied | conflict | rejected, or discarded, superseded, parked.

CREATE TABLE contact_creation (
    org_id          salesforce_id NOT NULL,
    workspace_id    text NOT NULL,
    salesforce_id   salesforce_id NOT NULL,
    status          text NOT NULL,
    rule            text,
    identifier      text,
    is_bulk_import  boolean,
    respond_id      bigint,
    tags            text[] NOT NULL DEFAULT '{}',
    attempts        integer NOT NULL DEFAULT 0,
    not_before      timestamptz,
    error_code      text,
    error_detail    text,
    planned_at      timestamptz NOT NULL DEFAULT now(),
    claimed_at      timestamptz,
    settled_at      timestamptz,
    PRIMARY KEY (workspace_id, salesforce_id),
    CONSTRAINT contact_creation_status CHECK (status IN (
        'planned', 'creating', 'created', 'tagged', 'adopted', 'skipped', 'held', 'rejected')),
    CONSTRAINT contact_creation_skip_has_its_rule CHECK ((status = 'skipped') = (rule IS NOT NULL)),
    CONSTRAINT contact_creation_rule CHECK (rule IN (
        'before_switch_on', 'bulk_import', 'no_key', 'matched', 'ambiguous', 'shared_key', 'same_person',
        'was_present', 'deleted', 'erased', 'switched_off')),
    CONSTRAINT contact_creation_done_has_contact CHECK (
        status NOT IN ('created', 'tagged', 'adopted') OR respond_id IS NOT NULL)
);
CREATE INDEX contact_creation_by_status ON contact_creation (org_id, workspace_id, status, not_before);
CREATE INDEX contact_creation_by_respond ON contact_creation (workspace_id, respond_id) WHERE respond_id IS NOT NULL;
CREATE TRIGGER contact_creation_status_change BEFORE UPDATE OF status ON contact_creation FOR EACH ROW
    EXECUTE FUNCTION enforce_status_change(
        'planned>creating', 'creating>created', 'created>tagged', 'planned>adopted', 'creating>adopted',
        'planned>skipped', 'skipped>planned', 'planned>held', 'held>planned', 'creating>planned',
        'planned>rejected', 'creating>rejected');
COMMENT ON TABLE contact_creation IS 'The plan and record of creating one respond contact for a new Salesforce record.';
COMMENT ON COLUMN contact_creation.rule IS 'Why a record was skipped.';
COMMENT ON COLUMN contact_creation.identifier IS 'Kind of identifier the contact was created or found by: email or phone.';
COMMENT ON COLUMN contact_creation.claimed_at IS 'When nobody had the person''s keys at respond.io and we set out to create: a contact found later that is younger is ours.';
COMMENT ON COLUMN contact_creation.not_before IS 'After an unclear answer: look again at this time, before anything is sent twice.';

CREATE TABLE creation_claim (
    workspace_id   text NOT NULL,
    kind           text NOT NULL,
    key            text NOT NULL,
    salesforce_id  salesforce_id NOT NULL,
    PRIMARY KEY (workspace_id, kind, key)
);
CREATE INDEX creation_claim_by_salesforce ON creation_claim (workspace_id, salesforce_id);
COMMENT ON TABLE creation_claim IS 'All keys of a person, claimed in one transaction before anything is created: two records with one phone make one contact.';

CREATE TABLE field_edit (
    edit_id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id                 salesforce_id NOT NULL,
    workspace_id           text NOT NULL,
    salesforce_id          salesforce_id NOT NULL,
    target_salesforce_id   salesforce_id NOT NULL,
    respond_id             bigint,
    field_name             text NOT NULL,
    base_value             jsonb,
    new_value              jsonb,
    stored_value           jsonb,
    after_edit_id          bigint REFERENCES field_edit,
    reverts_edit_id        bigint REFERENCES field_edit,
    requested_by           text NOT NULL,
    requested_at           timestamptz NOT NULL DEFAULT now(),
    idempotency_key        text,
    request_digest         bytea,
    status                 text NOT NULL DEFAULT 'queued',
    attempts               integer NOT NULL DEFAULT 0,
    not_before             timestamptz,
    claimed_at             timestamptz,
    claimed_by             text,
    sent_at                timestamptz,
    sent_modstamp          timestamptz,
    error_code             text,
    error_detail           text,
    changed_by_salesforce  boolean NOT NULL DEFAULT false,
    settled_at             timestamptz,
    CONSTRAINT field_edit_status CHECK (status IN (
        'queued', 'applying', 'applied', 'conflict', 'rejected', 'discarded', 'superseded', 'parked')),
    CONSTRAINT field_edit_settled_has_time CHECK (
        (status IN ('applied', 'conflict', 'rejected', 'discarded', 'superseded')) = (settled_at IS NOT NULL)),
    CONSTRAINT field_edit_idempotency_key_once UNIQUE (workspace_id, idempotency_key)
);
-- one edit in flight per org, contact and field
CREATE UNIQUE INDEX field_edit_one_in_flight ON field_edit (org_id, target_salesforce_id, field_name) WHERE status = 'applying';
CREATE UNIQUE INDEX field_edit_one_queued_per_field ON field_edit
    (workspace_id, target_salesforce_id, field_name) WHERE status = 'queued';
CREATE INDEX field_edit_open ON field_edit (org_id, status, edit_id) WHERE status IN ('queued', 'applying', 'parked');
CREATE INDEX field_edit_by_contact ON field_edit (workspace_id, respond_id, edit_id);
CREATE TRIGGER field_edit_status_change BEFORE UPDATE OF status ON field_edit FOR EACH ROW
    EXECUTE FUNCTION enforce_status_change(
        'queued>applying', 'applying>applied', 'applying>conflict', 'applying>rejected',
        'queued>discarded', 'queued>superseded', 'queued>rejected', 'queued>conflict', 'queued>parked',
        'parked>queued', 'applying>queued', 'applying>parked');
COMMENT ON TABLE field_edit IS 'An agent''s wish to change one Salesforce field, and what became of it.';
COMMENT ON COLUMN field_edit.target_salesforce_id IS 'The record to write: differs from salesforce_id after a merge.';
COMMENT ON COLUMN field_edit.base_value IS 'What the agent saw; the edit is sent only while Salesforce still holds it.';
COMMENT ON COLUMN field_edit.stored_value IS 'What Salesforce holds after the edit, read back.';
COMMENT ON COLUMN field_edit.after_edit_id IS 'The edit in flight that this one waits for and takes its base from.';
COMMENT ON COLUMN field_edit.sent_modstamp IS 'SystemModstamp read before sending: sent as If-Unmodified-Since.';
COMMENT ON COLUMN field_edit.changed_by_salesforce IS 'Salesforce stored another value than was sent (a rule or trigger).';

CREATE TABLE edit_event (
    event_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    edit_id      bigint NOT NULL REFERENCES field_edit ON DELETE CASCADE,
    at           timestamptz NOT NULL DEFAULT now(),
    from_status  text,
    to_status    text NOT NULL,
    actor        text NOT NULL,
    detail       jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX edit_event_by_edit ON edit_event (edit_id, event_id);
COMMENT ON TABLE edit_event IS 'History of edits: who, when, old, new. Append-only.';

-- Every status change is written down in the transaction that makes it, whoever makes it.
CREATE FUNCTION record_edit_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.status = OLD.status THEN
        RETURN NULL;
    END IF;
    INSERT INTO edit_event (edit_id, from_status, to_status, actor, detail)
    VALUES (NEW.edit_id,
            CASE WHEN TG_OP = 'UPDATE' THEN OLD.status END,
            NEW.status,
            coalesce(nullif(current_setting('contact_sync.actor', true), ''), NEW.requested_by),
            jsonb_strip_nulls(jsonb_build_object(
                'base', NEW.base_value, 'new', NEW.new_value, 'stored', NEW.stored_value, 'code', NEW.error_code)));
    RETURN NULL;
END
$$;
CREATE TRIGGER field_edit_history AFTER INSERT OR UPDATE OF status ON field_edit FOR EACH ROW
    EXECUTE FUNCTION record_edit_event();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_append_only';
END
$$;
CREATE TRIGGER edit_event_append_only BEFORE UPDATE ON edit_event FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The doorbell of the edit queue. It carries nothing: the queue is the mail.
CREATE FUNCTION ring_edit_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('contact_sync_field_edit', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER field_edit_rings AFTER INSERT ON field_edit FOR EACH STATEMENT EXECUTE FUNCTION ring_edit_queue();
