-- Mirrors of both systems, the windows that prove an extraction, the change feed, tombstones.
-- A window: planned > running > proven | short | split | failed | deferred.

CREATE TABLE salesforce_contact (
    org_id               salesforce_id NOT NULL REFERENCES salesforce_org ON DELETE CASCADE,
    salesforce_id        salesforce_id NOT NULL,
    first_name           text,
    last_name            text,
    email                text,
    phone                text,
    mobile_phone         text,
    home_phone           text,
    other_phone          text,
    country              text,
    payload              jsonb NOT NULL DEFAULT '{}',
    created_at           timestamptz,
    created_by_id        salesforce_id,
    last_modified_at     timestamptz,
    last_modified_by_id  salesforce_id,
    system_modstamp      timestamptz NOT NULL,
    presence             text NOT NULL DEFAULT 'live',
    master_record_id     salesforce_id,
    is_bulk_import       boolean,
    bulk_evidence        jsonb,
    bulk_judged_at       timestamptz,
    read_at              timestamptz NOT NULL,
    extracted_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, salesforce_id),
    CONSTRAINT salesforce_contact_presence CHECK (presence IN ('live', 'deleted', 'purged', 'not_visible'))
);
CREATE INDEX salesforce_contact_by_stamp ON salesforce_contact (org_id, system_modstamp);
CREATE INDEX salesforce_contact_by_creation ON salesforce_contact (org_id, created_at);
-- finds the losers of a merge when their winner changes
CREATE INDEX salesforce_contact_by_master ON salesforce_contact (org_id, master_record_id) WHERE master_record_id IS NOT NULL;
COMMENT ON TABLE salesforce_contact IS 'Mirror of Salesforce Contact, one row per record and org; newer system_modstamp wins.';
COMMENT ON COLUMN salesforce_contact.payload IS 'The other fields in use, by API name, in canonical form.';
COMMENT ON COLUMN salesforce_contact.presence IS 'live; deleted (recycle bin); purged (proved gone); not_visible (gone or no access).';
COMMENT ON COLUMN salesforce_contact.master_record_id IS 'The winner this record was merged into.';
COMMENT ON COLUMN salesforce_contact.is_bulk_import IS 'Verdict on how the record came in; null = not judged yet.';
COMMENT ON COLUMN salesforce_contact.read_at IS 'Salesforce''s clock at the read that gave this content.';
COMMENT ON COLUMN salesforce_contact.extracted_at IS 'When this content was merged here.';

CREATE TABLE respond_contact (
    workspace_id  text NOT NULL REFERENCES workspace ON DELETE CASCADE,
    respond_id    bigint NOT NULL,
    org_id        salesforce_id,
    first_name    text,
    last_name     text,
    email         text,
    phone         text,
    country       text,
    payload       jsonb NOT NULL DEFAULT '{}',
    created_at    timestamptz,
    content_hash  bytea NOT NULL,
    seen_at       timestamptz NOT NULL,
    written_by    text NOT NULL,
    gone_at       timestamptz,
    PRIMARY KEY (workspace_id, respond_id),
    CONSTRAINT respond_contact_written_by CHECK (written_by IN ('walk', 'get', 'webhook', 'create'))
);
CREATE INDEX respond_contact_by_org ON respond_contact (org_id, workspace_id);
COMMENT ON TABLE respond_contact IS 'Mirror of respond.io contacts, one row per contact and workspace.';
COMMENT ON COLUMN respond_contact.org_id IS 'The org this workspace currently serves; null while disconnected.';
COMMENT ON COLUMN respond_contact.content_hash IS 'SHA-256 of names, e-mail, phone, country and our tag: tells whether a page brings news.';
COMMENT ON COLUMN respond_contact.seen_at IS 'When this content was read; it moves only when content does.';
COMMENT ON COLUMN respond_contact.written_by IS 'What wrote it last; a list page lags, so it never overwrites a fresh get, webhook or create.';
COMMENT ON COLUMN respond_contact.gone_at IS 'Absent from two walks and answered 404.';

CREATE TABLE extract_window (
    window_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id            salesforce_id NOT NULL REFERENCES salesforce_org ON DELETE CASCADE,
    kind              text NOT NULL,
    read_from         timestamptz,
    read_until        timestamptz,
    status            text NOT NULL DEFAULT 'planned',
    bulk_job_id       text,
    fields            text[] NOT NULL DEFAULT '{}',
    rows_reported     bigint,
    rows_landed       bigint NOT NULL DEFAULT 0,
    rows_distinct     bigint NOT NULL DEFAULT 0,
    rows_quarantined  bigint NOT NULL DEFAULT 0,
    rows_erased       bigint NOT NULL DEFAULT 0,
    rows_late         bigint NOT NULL DEFAULT 0,
    rows_merged       bigint NOT NULL DEFAULT 0,
    api_calls         bigint NOT NULL DEFAULT 0,
    detail            text,
    heartbeat_at      timestamptz,
    started_at        timestamptz,
    finished_at       timestamptz,
    CONSTRAINT extract_window_kind CHECK (kind IN ('initial', 'incremental', 'backfill', 'refill', 'formula', 'reconcile')),
    CONSTRAINT extract_window_status CHECK (status IN ('planned', 'running', 'proven', 'short', 'split', 'failed', 'deferred')),
    -- the proof itself: what Salesforce reported is what landed here, row by row
    CONSTRAINT extract_window_proven_means_complete CHECK (
        status <> 'proven' OR (rows_reported = rows_landed + rows_quarantined AND read_until IS NOT NULL))
);
CREATE INDEX extract_window_by_org ON extract_window (org_id, status, read_until);
CREATE TRIGGER extract_window_status_change BEFORE UPDATE OF status ON extract_window FOR EACH ROW
    EXECUTE FUNCTION enforce_status_change(
        'planned>running', 'planned>failed', 'planned>deferred', 'planned>split',
        'running>proven', 'running>short', 'running>split', 'running>failed', 'running>deferred', 'running>planned',
        'short>running', 'short>failed', 'short>split', 'deferred>planned', 'deferred>running', 'failed>planned');
COMMENT ON TABLE extract_window IS 'One extraction''s range of SystemModstamp, with its proof. Only initial and incremental ones move the watermark.';
COMMENT ON COLUMN extract_window.read_from IS 'Lower bound of SystemModstamp, inclusive; null = from the beginning.';
COMMENT ON COLUMN extract_window.read_until IS 'Salesforce''s clock when the query began: everything visible then was read.';
COMMENT ON COLUMN extract_window.rows_reported IS 'How many rows Salesforce said there are.';
COMMENT ON COLUMN extract_window.rows_landed IS 'Rows that reached the landing table, repeats included.';
COMMENT ON COLUMN extract_window.rows_distinct IS 'Different ids among them.';
COMMENT ON COLUMN extract_window.rows_erased IS 'Landed rows left out because the person was erased.';
COMMENT ON COLUMN extract_window.rows_late IS 'Rows found by the audit: committed late, under an older stamp.';
COMMENT ON COLUMN extract_window.rows_merged IS 'Rows of the mirror that this window changed.';

-- Rows on their way into the mirror; a crash of the server may empty it, the window is then read again.
CREATE UNLOGGED TABLE salesforce_landing (
    window_id   bigint NOT NULL,
    row_number  bigint NOT NULL,
    record      jsonb NOT NULL
);
CREATE INDEX salesforce_landing_by_window ON salesforce_landing (window_id);
COMMENT ON TABLE salesforce_landing IS 'Rows of running windows as Salesforce gave them; emptied when the window is merged.';

CREATE TABLE quarantined_row (
    quarantine_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id          salesforce_id,
    workspace_id    text,
    salesforce_id   text,
    window_id       bigint,
    raw             text NOT NULL,
    reason          text NOT NULL,
    quarantined_at  timestamptz NOT NULL DEFAULT now(),
    resolved_at     timestamptz
);
-- overlapping windows meet the same bad row again and again
CREATE UNIQUE INDEX quarantined_row_once ON quarantined_row
    (org_id, coalesce(workspace_id, ''), coalesce(salesforce_id, ''), reason, md5(raw)) WHERE resolved_at IS NULL;
COMMENT ON TABLE quarantined_row IS 'Rows that could not be taken, as they came, with the reason; retried daily by id.';
COMMENT ON COLUMN quarantined_row.raw IS 'The row as JSON text, NUL characters written as \u0000.';

CREATE TABLE pending_change (
    change_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id        salesforce_id NOT NULL,
    workspace_id  text,
    entity        text NOT NULL,
    entity_id     text,
    queued_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pending_change_entity CHECK (
        entity IN ('salesforce_contact', 'respond_contact', 'salesforce_key', 'respond_key', 'sidebar_row'))
);
CREATE INDEX pending_change_by_consumer ON pending_change (org_id, entity);
COMMENT ON TABLE pending_change IS 'Change feed: this entity must be looked at again. A consumer deletes what it processed in its own transaction.';
COMMENT ON COLUMN pending_change.entity IS 'Names one consumer''s work: *_contact normalize, *_key match, sidebar_row materialize.';
COMMENT ON COLUMN pending_change.entity_id IS 'Salesforce or respond id, kind:key for a salesforce_key; null = everything of the scope; layout = the sidebar''s layout alone.';

CREATE TABLE erased_person (
    org_id     salesforce_id NOT NULL,
    digest     bytea NOT NULL,
    erased_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, digest)
);
COMMENT ON TABLE erased_person IS 'HMACs of the id and keys of erased people: keeps them from coming back, holds nothing that names them.';

CREATE TABLE respond_walk (
    walk_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id  text NOT NULL REFERENCES workspace ON DELETE CASCADE,
    began_at      timestamptz NOT NULL,
    cursor_id     bigint,
    pages         integer NOT NULL DEFAULT 0,
    contacts      bigint NOT NULL DEFAULT 0,
    finished_at   timestamptz
);
CREATE UNIQUE INDEX respond_walk_one_at_a_time ON respond_walk (workspace_id) WHERE finished_at IS NULL;
COMMENT ON TABLE respond_walk IS 'The rolling walk through a workspace''s contact list; the open one goes on where it stopped.';

CREATE UNLOGGED TABLE respond_walk_seen (
    walk_id     bigint NOT NULL,
    respond_id  bigint NOT NULL,
    PRIMARY KEY (walk_id, respond_id)
);
COMMENT ON TABLE respond_walk_seen IS 'Ids that a walk met; kept for the last two walks.';
