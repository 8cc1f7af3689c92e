-- An agent's deletion stands: a contact that was there and is gone is not created again.

CREATE FUNCTION was_respond_contact(wanted_workspace text, wanted_org text, wanted_id text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM respond_contact g
          JOIN key_rule r ON (r.kind = 'email' AND r.raw_digest = sha256(convert_to(g.email, 'UTF8')))
                          OR (r.kind = 'phone' AND r.raw_digest = sha256(convert_to(g.phone, 'UTF8')))
          JOIN salesforce_key k ON k.org_id = wanted_org AND k.kind = r.kind AND k.key = r.key
         WHERE g.workspace_id = wanted_workspace
           AND g.gone_at IS NOT NULL
           AND k.salesforce_id = wanted_id)
$$;
COMMENT ON FUNCTION was_respond_contact(text, text, text) IS 'Whether a respond contact with one of this record''s keys existed and was deleted.';
CREATE INDEX respond_contact_gone ON respond_contact (workspace_id) WHERE gone_at IS NOT NULL;
