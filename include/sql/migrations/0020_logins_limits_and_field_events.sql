-- Log-ins: which credentials Salesforce refused, and what a person was asked to authorize.
-- Limits: what is left of an org's day, as any worker heard it last. Fields: what became of them, and when.

ALTER TABLE salesforce_token ADD COLUMN rejected_credentials text;
COMMENT ON COLUMN salesforce_token.rejected_credentials IS 'Digest of the credentials that were refused: other ones are tried at once.';
COMMENT ON COLUMN salesforce_token.rejected_at IS 'Salesforce refused to log us in: every worker stops without asking, until a person connects again, the credentials change, or a quarter of an hour has passed.';

CREATE TABLE salesforce_authorization (
    conn_id       text PRIMARY KEY,
    state         text NOT NULL,
    verifier_enc  text NOT NULL,
    redirect_uri  text NOT NULL,
    asked_at      timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE salesforce_authorization IS 'A person was asked to authorize a connection (OAuth authorization code with PKCE); the row goes when the code is exchanged.';
COMMENT ON COLUMN salesforce_authorization.state IS 'Comes back in the redirect: an answer to another question is refused.';
COMMENT ON COLUMN salesforce_authorization.verifier_enc IS 'The PKCE verifier, encrypted with CONTACT_SYNC_SECRET.';

CREATE TABLE api_limit (
    org_id    salesforce_id PRIMARY KEY,
    used      bigint,
    most      bigint,
    heard_at  timestamptz,
    asked_at  timestamptz,
    CONSTRAINT api_limit_is_heard_whole CHECK (num_nulls(used, most, heard_at) IN (0, 3))
);
COMMENT ON TABLE api_limit IS 'The org''s API calls of the last 24 hours, everybody''s, as any worker heard it last; lanes stop at their share.';
COMMENT ON COLUMN api_limit.most IS 'The org''s daily allowance.';
COMMENT ON COLUMN api_limit.asked_at IS 'When a worker last asked for the limits themselves: others do not ask again for a while.';

ALTER TABLE salesforce_org
    ADD COLUMN described_fully_at timestamptz,
    ADD COLUMN describe_versions  jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN salesforce_org.described_at IS 'When it was last asked whether the fields of Contact changed.';
COMMENT ON COLUMN salesforce_org.described_fully_at IS 'When all fields were last asked for, whatever the org says changed: it does not notice every permission.';
COMMENT ON COLUMN salesforce_org.describe_versions IS 'Last-Modified of each object''s describe: without a change since, Salesforce answers 304.';
UPDATE salesforce_org SET described_fully_at = described_at;

CREATE TABLE salesforce_field_event (
    event_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id      salesforce_id NOT NULL REFERENCES salesforce_org ON DELETE CASCADE,
    field_name  text NOT NULL,
    event       text NOT NULL,
    detail      jsonb NOT NULL DEFAULT '{}',
    at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT salesforce_field_event_kind CHECK (event IN ('new', 'changed', 'lost', 'regained'))
);
CREATE INDEX salesforce_field_event_latest ON salesforce_field_event (org_id, at);
COMMENT ON TABLE salesforce_field_event IS 'What became of an org''s fields since its first describe; append-only.';
COMMENT ON COLUMN salesforce_field_event.detail IS 'Of a changed field: {attribute: {from, to}}.';

-- Every writer of salesforce_field tells; the first describe of an org is no news.
CREATE FUNCTION record_field_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO salesforce_field_event (org_id, field_name, event)
        SELECT n.org_id, n.name, 'new'
          FROM new_rows n JOIN salesforce_org o USING (org_id)
         WHERE o.described_at IS NOT NULL
         ORDER BY n.org_id, n.name;
        RETURN NULL;
    END IF;
    INSERT INTO salesforce_field_event (org_id, field_name, event, detail)
    SELECT n.org_id, n.name,
           CASE WHEN o.lost_at IS NULL AND n.lost_at IS NOT NULL THEN 'lost'
                WHEN o.lost_at IS NOT NULL AND n.lost_at IS NULL THEN 'regained'
                ELSE 'changed' END,
           coalesce(d.detail, '{}')
      FROM new_rows n
      JOIN old_rows o USING (org_id, name)
     CROSS JOIN LATERAL (
           SELECT jsonb_object_agg(a.key, jsonb_build_object('from', b.value, 'to', a.value)) AS detail
             FROM jsonb_each(to_jsonb(n)) AS a
             JOIN jsonb_each(to_jsonb(o)) AS b USING (key)
            WHERE a.key IN ('label', 'type', 'length', 'updateable', 'calculated', 'nillable', 'restricted', 'picklist')
              AND a.value <> b.value) AS d
     WHERE d.detail IS NOT NULL OR (n.lost_at IS NULL) <> (o.lost_at IS NULL)
     ORDER BY n.org_id, n.name;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION record_field_events() IS 'Appends salesforce_field_event for what an insert or update of salesforce_field changed.';
CREATE TRIGGER salesforce_field_tells_insert AFTER INSERT ON salesforce_field
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION record_field_events();
CREATE TRIGGER salesforce_field_tells_update AFTER UPDATE ON salesforce_field
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION record_field_events();
