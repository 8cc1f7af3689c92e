-- Tenants: Salesforce orgs, respond.io workspaces, their switches, the remembered describe.
-- A workspace connects to at most one org; an org may serve many workspaces.

CREATE DOMAIN salesforce_id AS text
    CONSTRAINT salesforce_id_has_18_characters CHECK (VALUE ~ '^[a-zA-Z0-9]{18}$');
COMMENT ON DOMAIN salesforce_id IS 'A Salesforce record id in its 18-character, case-safe form.';

CREATE DOMAIN region AS text
    CONSTRAINT region_is_iso_3166_alpha_2 CHECK (VALUE ~ '^[A-Z]{2}$');
COMMENT ON DOMAIN region IS 'ISO 3166-1 alpha-2 country code.';

-- Refuses a status change that is not among the trigger's arguments, each written ''from>to''.
CREATE FUNCTION enforce_status_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status IS DISTINCT FROM OLD.status AND NOT (OLD.status || '>' || NEW.status) = ANY (TG_ARGV) THEN
        RAISE EXCEPTION '%: status may not change from % to %', TG_TABLE_NAME, OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_status_change';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION enforce_status_change() IS 'Legal status changes are the arguments of the trigger that calls this.';

CREATE TABLE salesforce_org (
    org_id               salesforce_id PRIMARY KEY,
    name                 text NOT NULL,
    conn_id              text NOT NULL,
    instance_url         text,
    api_version          text,
    default_region       region,
    integration_user_id  salesforce_id,
    poll_seconds         integer NOT NULL DEFAULT 30,
    settled_until        timestamptz,
    connected_at         timestamptz,
    disconnected_at      timestamptz,
    described_at         timestamptz,
    polled_at            timestamptz,
    CONSTRAINT salesforce_org_poll_is_5_seconds_to_a_day CHECK (poll_seconds BETWEEN 5 AND 86400)
);
COMMENT ON TABLE salesforce_org IS 'A Salesforce org that at least one workspace was connected to.';
COMMENT ON COLUMN salesforce_org.conn_id IS 'Airflow connection that logs in to this org.';
COMMENT ON COLUMN salesforce_org.default_region IS 'Country of phone numbers written without a prefix, where the record names none.';
COMMENT ON COLUMN salesforce_org.integration_user_id IS 'The user we act as: its own changes are recognized as echoes.';
COMMENT ON COLUMN salesforce_org.settled_until IS 'Below this stamp Salesforce has no open transaction: counts here and there must be equal.';
COMMENT ON COLUMN salesforce_org.disconnected_at IS 'Set when the last workspace left; nothing is read from then on.';
COMMENT ON COLUMN salesforce_org.described_at IS 'When the fields of Contact were last asked for.';
COMMENT ON COLUMN salesforce_org.polled_at IS 'When the last small window was read.';

CREATE TABLE salesforce_token (
    org_id             salesforce_id PRIMARY KEY REFERENCES salesforce_org ON DELETE CASCADE,
    access_token_enc   text,
    refresh_token_enc  text,
    instance_url       text,
    issued_at          timestamptz,
    rejected_at        timestamptz,
    rejected_reason    text
);
COMMENT ON TABLE salesforce_token IS 'Tokens of an org, encrypted with CONTACT_SYNC_SECRET; its row lock makes one refresh of many.';
COMMENT ON COLUMN salesforce_token.rejected_at IS 'Salesforce refused the grant: every worker stops until a person reconnects.';

CREATE TABLE workspace (
    workspace_id          text PRIMARY KEY,
    name                  text NOT NULL,
    org_id                salesforce_id REFERENCES salesforce_org,
    respond_org_id        text,
    respond_conn_id       text NOT NULL,
    match_mode            text NOT NULL DEFAULT 'normalized',
    default_region        region,
    ambiguous_policy      text NOT NULL DEFAULT 'hold',
    shared_key_limit      integer NOT NULL DEFAULT 5,
    brake_share           numeric NOT NULL DEFAULT 0.1,
    brake_count           integer NOT NULL DEFAULT 100,
    editing_enabled       boolean NOT NULL DEFAULT false,
    auto_create_since     timestamptz,
    tag_created           boolean NOT NULL DEFAULT true,
    include_bulk_imports  boolean NOT NULL DEFAULT false,
    created_at            timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT workspace_id_is_a_name CHECK (workspace_id ~ '^[A-Za-z0-9_.-]{1,64}$'),
    CONSTRAINT workspace_match_mode CHECK (match_mode IN ('normalized', 'exact')),
    CONSTRAINT workspace_ambiguous_policy CHECK (ambiguous_policy IN ('hold', 'most_recent')),
    CONSTRAINT workspace_shared_key_limit_is_positive CHECK (shared_key_limit > 0),
    CONSTRAINT workspace_brake_share_is_a_share CHECK (brake_share BETWEEN 0 AND 1),
    CONSTRAINT workspace_brake_count_is_no_debt CHECK (brake_count >= 0)
);
CREATE INDEX workspace_by_org ON workspace (org_id);
COMMENT ON TABLE workspace IS 'A respond.io workspace and its switches.';
COMMENT ON COLUMN workspace.org_id IS 'The org whose contacts its agents see; null = disconnected.';
COMMENT ON COLUMN workspace.respond_org_id IS 'respond.io organization: its workspaces share one rate limit.';
COMMENT ON COLUMN workspace.match_mode IS 'normalized compares keys; exact compares the raw bytes.';
COMMENT ON COLUMN workspace.ambiguous_policy IS 'hold waits for a decision; most_recent takes the latest created candidate.';
COMMENT ON COLUMN workspace.shared_key_limit IS 'A key of more live Salesforce contacts than this identifies nobody.';
COMMENT ON COLUMN workspace.brake_share IS 'A run that would unmatch or blank more than this share and more than brake_count is held.';
COMMENT ON COLUMN workspace.auto_create_since IS 'Contacts are created for records made from this moment on; null = switched off.';
COMMENT ON COLUMN workspace.include_bulk_imports IS 'Also create contacts that came in by bulk import.';

CREATE TABLE salesforce_field (
    org_id      salesforce_id NOT NULL REFERENCES salesforce_org ON DELETE CASCADE,
    name        text NOT NULL,
    label       text NOT NULL,
    type        text NOT NULL,
    length      integer NOT NULL DEFAULT 0,
    updateable  boolean NOT NULL,
    calculated  boolean NOT NULL,
    nillable    boolean NOT NULL DEFAULT true,
    restricted  boolean NOT NULL DEFAULT false,
    picklist    text[] NOT NULL DEFAULT '{}',
    seen_at     timestamptz NOT NULL,
    lost_at     timestamptz,
    PRIMARY KEY (org_id, name)
);
COMMENT ON TABLE salesforce_field IS 'The describe of Contact as the integration user sees it, remembered; parent fields as Account.Name.';
COMMENT ON COLUMN salesforce_field.restricted IS 'A picklist that takes only its own values.';
COMMENT ON COLUMN salesforce_field.lost_at IS 'Since when the describe no longer shows it: a lost permission or a deleted field. Values are kept, marked stale.';

CREATE TABLE sidebar_field_choice (
    workspace_id  text NOT NULL REFERENCES workspace ON DELETE CASCADE,
    position      integer NOT NULL,
    field_name    text NOT NULL,
    label         text,
    editable      boolean NOT NULL DEFAULT false,
    PRIMARY KEY (workspace_id, position) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT sidebar_field_choice_once_per_field UNIQUE (workspace_id, field_name)
);
COMMENT ON TABLE sidebar_field_choice IS 'Customize view: the fields that agents of a workspace see, in order.';
COMMENT ON COLUMN sidebar_field_choice.label IS 'Shown instead of the describe''s label; null = the describe''s.';
COMMENT ON COLUMN sidebar_field_choice.editable IS 'Agents may edit it, where editing is on and Salesforce lets us.';
