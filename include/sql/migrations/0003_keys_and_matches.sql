-- Keys, matches, issues, decisions, holds.
-- A respond contact has a match or an issue, never both.

CREATE TABLE key_rule (
    kind           text NOT NULL,
    region         text NOT NULL,
    raw_digest     bytea NOT NULL,
    rules_version  text NOT NULL,
    key            text,
    e164           text,
    reason         text,
    PRIMARY KEY (kind, region, raw_digest),
    CONSTRAINT key_rule_kind CHECK (kind IN ('email', 'phone', 'country')),
    CONSTRAINT key_rule_key_or_reason CHECK ((key IS NULL) <> (reason IS NULL)),
    CONSTRAINT key_rule_reason CHECK (reason IN (
        'empty', 'placeholder', 'no_country', 'no_area_code', 'too_short', 'too_long', 'invalid', 'several_values'))
);
COMMENT ON TABLE key_rule IS 'What each distinct raw value became, computed once; the raw value itself is not stored.';
COMMENT ON COLUMN key_rule.kind IS 'email, phone, or country (a country''s name or code to its ISO code).';
COMMENT ON COLUMN key_rule.region IS 'Country assumed for a number without a prefix; empty for e-mail and where unknown.';
COMMENT ON COLUMN key_rule.raw_digest IS 'SHA-256 of the raw value in UTF-8.';
COMMENT ON COLUMN key_rule.reason IS 'Why the value is no key.';

CREATE TABLE salesforce_key (
    org_id         salesforce_id NOT NULL,
    kind           text NOT NULL,
    key            text NOT NULL,
    salesforce_id  salesforce_id NOT NULL,
    effective_id   salesforce_id,
    source_fields  text[] NOT NULL,
    PRIMARY KEY (org_id, kind, key, salesforce_id),
    CONSTRAINT salesforce_key_kind CHECK (kind IN ('email', 'phone', 'email_raw', 'phone_raw', 'phone_national', 'email_near'))
);
CREATE INDEX salesforce_key_by_contact ON salesforce_key (org_id, salesforce_id);
COMMENT ON TABLE salesforce_key IS 'Comparable forms of the e-mails and phones of Salesforce contacts.';
COMMENT ON COLUMN salesforce_key.effective_id IS 'The live contact this record stands for: itself, or the winner of its merge; null = deleted or gone.';
COMMENT ON COLUMN salesforce_key.source_fields IS 'API names of the fields that hold it.';

CREATE TABLE respond_key (
    org_id        salesforce_id NOT NULL,
    workspace_id  text NOT NULL,
    kind          text NOT NULL,
    key           text NOT NULL,
    respond_id    bigint NOT NULL,
    PRIMARY KEY (workspace_id, kind, key, respond_id),
    CONSTRAINT respond_key_kind CHECK (kind IN ('email', 'phone', 'email_raw', 'phone_raw', 'phone_national', 'email_near'))
);
CREATE INDEX respond_key_by_key ON respond_key (org_id, kind, key);
CREATE INDEX respond_key_by_contact ON respond_key (workspace_id, respond_id);
COMMENT ON TABLE respond_key IS 'Comparable forms of the e-mail and phone of respond contacts, of connected workspaces only.';

CREATE TABLE contact_match (
    org_id            salesforce_id NOT NULL,
    workspace_id      text NOT NULL,
    respond_id        bigint NOT NULL,
    salesforce_id     salesforce_id NOT NULL,
    matched_by        text NOT NULL,
    email_key         text,
    phone_key         text,
    first_matched_at  timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, respond_id),
    CONSTRAINT contact_match_matched_by CHECK (
        matched_by IN ('decision', 'creation', 'email+phone', 'email', 'phone', 'most_recent'))
);
CREATE INDEX contact_match_by_salesforce ON contact_match (org_id, salesforce_id);
COMMENT ON TABLE contact_match IS 'The match table: one row per matched respond contact, with what matched it.';
COMMENT ON COLUMN contact_match.matched_by IS 'The first rule that decided: a person''s decision, our creation, or equal keys.';
COMMENT ON COLUMN contact_match.email_key IS 'The e-mail key both sides share, if they do.';
COMMENT ON COLUMN contact_match.phone_key IS 'The phone key both sides share, if they do.';

CREATE TABLE match_issue (
    org_id           salesforce_id NOT NULL,
    workspace_id     text NOT NULL,
    respond_id       bigint NOT NULL,
    status           text NOT NULL,
    reason           text NOT NULL,
    candidate_count  integer NOT NULL DEFAULT 0,
    candidates       text[] NOT NULL DEFAULT '{}',
    updated_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, respond_id),
    CONSTRAINT match_issue_reason_fits_status CHECK (
        (status = 'ambiguous' AND reason IN (
            'several_by_both', 'email_phone_disagree', 'several_by_email', 'several_by_phone'))
        OR (status = 'unmatched' AND reason IN (
            'no_identifier', 'invalid_identifier', 'shared_key', 'no_counterpart', 'counterpart_deleted', 'decided_nobody'))),
    CONSTRAINT match_issue_lists_20_candidates CHECK (cardinality(candidates) <= 20)
);
CREATE INDEX match_issue_by_reason ON match_issue (org_id, workspace_id, status, reason);
COMMENT ON TABLE match_issue IS 'Why a respond contact has no match.';
COMMENT ON COLUMN match_issue.candidates IS 'Salesforce ids of the first 20 candidates.';

CREATE TABLE match_decision (
    decision_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id         salesforce_id NOT NULL,
    workspace_id   text NOT NULL,
    respond_id     bigint NOT NULL,
    salesforce_id  salesforce_id,
    reason         text,
    decided_by     text NOT NULL,
    decided_at     timestamptz NOT NULL DEFAULT now(),
    revoked_at     timestamptz
);
CREATE UNIQUE INDEX match_decision_one_standing ON match_decision (org_id, workspace_id, respond_id) WHERE revoked_at IS NULL;
COMMENT ON TABLE match_decision IS 'A person''s remembered answer to an ambiguity; every later run obeys it until it is revoked.';
COMMENT ON COLUMN match_decision.salesforce_id IS 'The contact that was chosen; null = none of them.';

CREATE TABLE held_change (
    hold_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id          salesforce_id NOT NULL,
    workspace_id    text,
    kind            text NOT NULL,
    affected        bigint NOT NULL,
    share           numeric,
    sample_ids      text[] NOT NULL DEFAULT '{}',
    held_at         timestamptz NOT NULL DEFAULT now(),
    decided_by      text,
    decided_at      timestamptz,
    decision        text,
    approved_up_to  bigint,
    CONSTRAINT held_change_kind CHECK (kind IN ('unmatch', 'blank', 'gate')),
    CONSTRAINT held_change_decision CHECK (decision IN ('approved', 'rejected', 'withdrawn'))
);
CREATE UNIQUE INDEX held_change_one_open ON held_change (org_id, coalesce(workspace_id, ''), kind) WHERE decision IS NULL;
COMMENT ON TABLE held_change IS 'Changes withheld by the brake (unmatch, blank) or the quality gate until a person decides.';
COMMENT ON COLUMN held_change.share IS 'Affected rows as a share of the workspace''s; null for the gate.';
COMMENT ON COLUMN held_change.approved_up_to IS 'The next run proceeds if it affects no more than this.';

CREATE TABLE match_day (
    org_id        salesforce_id NOT NULL,
    workspace_id  text NOT NULL,
    day           date NOT NULL,
    matched       bigint NOT NULL,
    ambiguous     bigint NOT NULL,
    unmatched     bigint NOT NULL,
    reasons       jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (org_id, workspace_id, day)
);
COMMENT ON TABLE match_day IS 'Counts per workspace and day.';
