-- Near misses: what nearly matched, found when it is asked for. Two indexes lead from an unmatched contact's key to
-- keys that look like it, so nothing is computed or kept for anybody in advance. And the contacts that the brake holds.

ALTER TABLE key_rule ADD COLUMN national text;
ALTER TABLE key_rule ADD COLUMN used_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX key_rule_by_use ON key_rule (used_at);
COMMENT ON COLUMN key_rule.national IS 'The digits of a number that names no country, for near misses only.';
COMMENT ON COLUMN key_rule.used_at IS 'When a sweep last found the value in use, or when it was normalized.';

-- Country codes of E.164 are one digit (1, 7), two digits of a short list, else three.
CREATE FUNCTION near_digits(key text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ltrim(CASE WHEN key !~ '^[+]' THEN key
                      WHEN key ~ '^[+][17]' THEN substr(key, 3)
                      WHEN key ~ '^[+](2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])' THEN substr(key, 4)
                      ELSE substr(key, 5) END, '0')
$$;
COMMENT ON FUNCTION near_digits(text) IS 'The national digits of a phone key, without trunk zeros.';

CREATE FUNCTION is_one_letter_away(one text, other text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT one <> other AND abs(length(one) - length(other)) <= 1 AND EXISTS (
        SELECT FROM generate_series(0, greatest(length(one), length(other))) AS p
         WHERE left(one, p) = left(other, p)
           AND (substr(one, p + 2) = substr(other, p + 2)           -- another letter
                OR substr(one, p + 2) = substr(other, p + 1)        -- one too many
                OR substr(one, p + 1) = substr(other, p + 2)        -- one missing
                OR (substr(one, p + 1, 2) = reverse(substr(other, p + 1, 2))  -- two swapped
                    AND substr(one, p + 3) = substr(other, p + 3))))
$$;
COMMENT ON FUNCTION is_one_letter_away(text, text) IS 'Whether one letter or digit is changed, added, missing or swapped with its neighbour.';

CREATE INDEX salesforce_key_by_digits ON salesforce_key (org_id, near_digits(key)) WHERE kind IN ('phone', 'phone_national');
CREATE INDEX salesforce_key_by_mailbox ON salesforce_key (org_id, split_part(key, '@', 1)) WHERE kind = 'email';

-- Per unmatched contact and key at most 20, so that a switchboard's number costs no more than any other.
CREATE VIEW near_pair AS
SELECT i.org_id, i.workspace_id, i.respond_id, k.kind AS respond_kind, k.key AS respond_key, s.near AS kind, s.salesforce_id,
       s.effective_id, s.kind AS salesforce_kind, s.key AS salesforce_key, s.source_fields
  FROM match_issue i
  JOIN workspace w USING (workspace_id)
  JOIN respond_key k ON k.workspace_id = i.workspace_id AND k.respond_id = i.respond_id
 CROSS JOIN LATERAL (
       (SELECT k.kind AS near, x.salesforce_id, x.effective_id, x.kind, x.key, x.source_fields
          FROM salesforce_key x
         WHERE w.match_mode = 'exact' AND k.kind IN ('email', 'phone')
           AND x.org_id = k.org_id AND x.kind = k.kind AND x.key = k.key AND x.effective_id IS NOT NULL
         LIMIT 20)
        UNION ALL
       (SELECT 'phone_national', x.salesforce_id, x.effective_id, x.kind, x.key, x.source_fields
          FROM salesforce_key x
         WHERE k.kind IN ('phone', 'phone_national') AND length(near_digits(k.key)) >= 6
           AND x.org_id = k.org_id AND x.kind IN ('phone', 'phone_national') AND near_digits(x.key) = near_digits(k.key)
           AND x.effective_id IS NOT NULL AND (x.key <> k.key OR k.kind = 'phone_national')
         LIMIT 20)
        UNION ALL
       -- written with its country code but without the plus
       (SELECT 'phone_national', x.salesforce_id, x.effective_id, x.kind, x.key, x.source_fields
          FROM salesforce_key x
         WHERE x.org_id = k.org_id AND x.effective_id IS NOT NULL
           AND ((k.kind = 'phone_national' AND x.kind = 'phone' AND x.key = '+' || k.key)
                OR (k.kind = 'phone' AND x.kind = 'phone_national' AND x.key = substr(k.key, 2)))
         LIMIT 20)
        UNION ALL
       (SELECT 'email_near', x.salesforce_id, x.effective_id, x.kind, x.key, x.source_fields
          -- of mailboxes like info@ some hundreds are looked at, not all
          FROM (SELECT y.salesforce_id, y.effective_id, y.kind, y.key, y.source_fields
                  FROM salesforce_key y
                 WHERE k.kind = 'email' AND y.org_id = k.org_id AND y.kind = 'email'
                   AND split_part(y.key, '@', 1) = split_part(k.key, '@', 1) AND y.effective_id IS NOT NULL
                 LIMIT 500) AS x
         WHERE is_one_letter_away(split_part(x.key, '@', 2), split_part(k.key, '@', 2))
         LIMIT 20)) AS s
 WHERE i.status = 'unmatched';
COMMENT ON VIEW near_pair IS 'Keys of unmatched contacts beside Salesforce keys that look like them; near_miss adds the raw values and what to do.';

CREATE OR REPLACE VIEW near_miss AS
WITH pair AS (
    SELECT p.org_id, p.workspace_id, p.respond_id, p.effective_id, p.kind, p.respond_key, p.salesforce_key, p.source_fields,
           CASE WHEN p.respond_kind LIKE 'email%' THEN r.email ELSE r.phone END AS respond_value,
           salesforce_values(c) ->> p.source_fields[1] AS salesforce_value
      FROM near_pair p
      JOIN respond_contact r ON r.workspace_id = p.workspace_id AND r.respond_id = p.respond_id
      JOIN salesforce_contact c ON c.org_id = p.org_id AND c.salesforce_id = p.salesforce_id
), told AS (
    -- a number without + or 00 was read in an assumed country, or in none
    SELECT p.*, p.respond_value !~ '^[^0-9+]*([+]|00)' AS is_respond_national,
           p.salesforce_value !~ '^[^0-9+]*([+]|00)' AS is_salesforce_national
      FROM pair p
)
SELECT org_id, workspace_id, respond_id, effective_id AS salesforce_id, kind, respond_key AS key,
       CASE kind WHEN 'phone_national' THEN 'same national digits, but one side names no country'
                 WHEN 'email_near' THEN 'one letter away in the domain'
                 ELSE 'equal but for format' END AS nearness,
       CASE WHEN kind = 'email_near' THEN 'check the spelling of the domain: ' || split_part(respond_key, '@', 2)
                 || ' in respond.io, ' || split_part(salesforce_key, '@', 2) || ' in Salesforce'
            WHEN kind = 'phone_national' THEN concat_ws('; ',
                 CASE WHEN is_respond_national THEN 'in respond.io add + and the country code to the number' END,
                 CASE WHEN is_salesforce_national THEN 'in Salesforce add + and the country code to ' || source_fields[1] END,
                 'or set the default region')
            ELSE 'write both the same way, or set match_mode to normalized' END AS hint,
       respond_value, salesforce_key, source_fields[1] AS salesforce_field, salesforce_value,
       CASE WHEN kind IN ('email', 'phone') THEN 'exact mode compares the values byte by byte'
            ELSE 'keys must be equal' END AS rule,
       'near, not matched' AS verdict
  FROM told
 WHERE kind <> 'phone_national' OR is_respond_national OR is_salesforce_national;
COMMENT ON VIEW near_miss IS 'What nearly matched: both raw values, both keys, the rule, the verdict, and what to change where. A hint, never a match.';

-- What the brake withholds: these contacts keep their match or their values until a person decides.
CREATE TABLE held_contact (
    org_id        salesforce_id NOT NULL,
    workspace_id  text NOT NULL,
    kind          text NOT NULL,
    respond_id    bigint NOT NULL,
    PRIMARY KEY (workspace_id, kind, respond_id),
    CONSTRAINT held_contact_kind CHECK (kind IN ('unmatch', 'blank')),
    CONSTRAINT held_contact_is_mirrored FOREIGN KEY (workspace_id, respond_id) REFERENCES respond_contact ON DELETE CASCADE
);
CREATE INDEX held_contact_by_contact ON held_contact (workspace_id, respond_id);
COMMENT ON TABLE held_contact IS 'Respond contacts whose match or values the brake keeps as they are; held_change has the question.';
COMMENT ON COLUMN held_contact.kind IS 'unmatch: it would lose its match; blank: its sidebar row would lose a value.';

-- A disconnect is a person's own act: nothing of it is held, and what was held is over.
CREATE FUNCTION forget_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM held_contact WHERE workspace_id = NEW.workspace_id;
    UPDATE held_change SET decision = 'withdrawn', decided_at = now()
     WHERE workspace_id = NEW.workspace_id AND decision IS NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER workspace_forgets_holds AFTER UPDATE OF org_id ON workspace FOR EACH ROW
    WHEN (NEW.org_id IS DISTINCT FROM OLD.org_id) EXECUTE FUNCTION forget_holds();

-- Only fields that are chosen and were shown before count, so another choice of fields blanks nothing; and only rows whose
-- record was read anew, so that a million unchanged rows cost a comparison of times each.
CREATE FUNCTION blanked_contacts(wanted_workspace text, is_broad boolean) RETURNS SETOF bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    any_blanked text;
    looked_at text := CASE WHEN is_broad THEN 'sidebar_fields h' ELSE
        'changed_row x JOIN sidebar_fields h ON h.workspace_id = x.workspace_id AND h.respond_id = x.respond_id' END;
BEGIN
    SELECT string_agg(format('(coalesce(h.fields -> %1$L, ''null'') <> ''null'' AND coalesce(%2$s, ''null'') = ''null'')', field_name,
                             CASE WHEN mirror_expression(field_name) IS NULL THEN format('s.payload -> %L', field_name)
                                  ELSE format('to_jsonb(%s)', mirror_expression(field_name)) END), ' OR ')
      INTO any_blanked
      FROM sidebar_field_choice
     WHERE workspace_id = wanted_workspace;
    IF any_blanked IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format($query$
        SELECT h.respond_id
          FROM %s
          JOIN contact_match m ON m.workspace_id = h.workspace_id AND m.respond_id = h.respond_id AND m.salesforce_id = h.salesforce_id
          JOIN salesforce_contact s ON s.org_id = m.org_id AND s.salesforce_id = m.salesforce_id
         WHERE h.workspace_id = $1 AND h.as_of IS DISTINCT FROM s.read_at AND (%s)
        $query$, looked_at, any_blanked) USING wanted_workspace;
END
$$;
COMMENT ON FUNCTION blanked_contacts(text, boolean) IS 'Respond contacts whose sidebar row would lose a value: of all, or of those in changed_row.';
