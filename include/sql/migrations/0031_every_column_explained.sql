-- What a person can query explains itself, and values that are no keys can be counted. docs/data-dictionary.md is made from these comments.

CREATE VIEW unusable_value AS
SELECT 'Salesforce' AS system, v.org_id, NULL::text AS workspace_id, v.salesforce_id, NULL::bigint AS respond_id, v.kind, v.source_field,
       v.raw, v.region, u.reason
  FROM salesforce_raw_value v
  JOIN key_rule u USING (kind, region, raw_digest)
 WHERE u.reason IS NOT NULL
   AND v.presence = 'live'
 UNION ALL
SELECT 'respond.io', v.org_id, v.workspace_id, NULL::salesforce_id, v.respond_id, v.kind, v.source_field, v.raw, v.region, u.reason
  FROM respond_raw_value v
  JOIN key_rule u USING (kind, region, raw_digest)
 WHERE u.reason IS NOT NULL;
COMMENT ON VIEW unusable_value IS 'Filled e-mails and phones of either side that nobody can be matched by, with the reason.';
COMMENT ON COLUMN unusable_value.system IS 'Where it is written: Salesforce or respond.io.';
COMMENT ON COLUMN unusable_value.salesforce_id IS 'The Salesforce contact; null for a value in respond.io.';
COMMENT ON COLUMN unusable_value.respond_id IS 'The respond contact; null for a value in Salesforce.';

-- A key shared by too many is one row with a count. Only the comparison that the workspace uses has candidates; and whom a person
-- chose is shown even where no key is common any more.
CREATE OR REPLACE VIEW match_explanation AS
WITH pair AS NOT MATERIALIZED (
    SELECT k.org_id, k.workspace_id, k.respond_id, k.kind, k.key, s.salesforce_id, s.effective_id, s.source_fields,
           (SELECT count(DISTINCT x.effective_id) FROM salesforce_key x
             WHERE x.org_id = k.org_id AND x.kind = k.kind AND x.key = k.key) AS live_contacts
      FROM respond_key k
      JOIN salesforce_key s ON s.org_id = k.org_id AND s.kind = k.kind AND s.key = k.key
)
SELECT p.org_id, p.workspace_id, p.respond_id,
       CASE WHEN p.live_contacts <= w.shared_key_limit THEN p.salesforce_id END AS salesforce_id,
       CASE WHEN p.live_contacts <= w.shared_key_limit THEN p.effective_id END AS effective_id,
       p.kind, p.key,
       CASE WHEN p.kind LIKE 'email%' THEN r.email ELSE r.phone END AS respond_value,
       CASE WHEN p.live_contacts <= w.shared_key_limit THEN p.source_fields END AS salesforce_fields,
       CASE WHEN p.live_contacts <= w.shared_key_limit
            THEN (SELECT jsonb_object_agg(f, salesforce_values(c) -> f) FROM unnest(p.source_fields) AS f) END AS salesforce_values,
       p.live_contacts,
       CASE WHEN p.live_contacts > w.shared_key_limit THEN 'shared'
            WHEN p.effective_id IS NULL THEN 'deleted'
            WHEN m.salesforce_id = p.effective_id THEN 'match'
            ELSE 'candidate' END AS verdict,
       m.matched_by, i.status AS issue_status, i.reason AS issue_reason, coalesce(m.matched_by, i.reason) AS rule
  FROM pair p
  JOIN workspace w ON w.workspace_id = p.workspace_id
  JOIN respond_contact r ON r.workspace_id = p.workspace_id AND r.respond_id = p.respond_id
  JOIN salesforce_contact c ON c.org_id = p.org_id AND c.salesforce_id = p.salesforce_id
  LEFT JOIN contact_match m ON m.workspace_id = p.workspace_id AND m.respond_id = p.respond_id
  LEFT JOIN match_issue i ON i.workspace_id = p.workspace_id AND i.respond_id = p.respond_id
 WHERE p.kind IN ('email', 'phone', 'email_raw', 'phone_raw')
   AND (w.match_mode = 'exact') = (p.kind IN ('email_raw', 'phone_raw'))
   AND (p.live_contacts <= w.shared_key_limit
        OR p.salesforce_id = (SELECT min(x.salesforce_id) FROM salesforce_key x
                               WHERE x.org_id = p.org_id AND x.kind = p.kind AND x.key = p.key))
 UNION ALL
SELECT m.org_id, m.workspace_id, m.respond_id, m.salesforce_id, m.salesforce_id, NULL, NULL, NULL, NULL, NULL, NULL, 'match',
       m.matched_by, NULL, NULL, m.matched_by
  FROM contact_match m
 WHERE m.matched_by = 'decision'
   AND NOT EXISTS (SELECT FROM pair p
                    WHERE p.workspace_id = m.workspace_id AND p.respond_id = m.respond_id AND p.effective_id = m.salesforce_id);
COMMENT ON VIEW match_explanation IS 'Per respond contact and candidate: raw values, key, rule and verdict; a shared key is one row with a count, a decision without a common key a row without a key.';
COMMENT ON COLUMN match_explanation.rule IS 'What decided about the respond contact: what matched it, or why it has no match.';

-- Columns that had no comment. The empty relation stands for each one that has a column of that name.
DO $$
DECLARE
    missing record;
BEGIN
    FOR missing IN
        SELECT c.relname, a.attname,
               (SELECT t.said
                  FROM (VALUES
        ('', 'org_id', 'The Salesforce org.'),
        ('', 'workspace_id', 'The respond.io workspace.'),
        ('', 'salesforce_id', 'The Salesforce contact.'),
        ('', 'respond_id', 'The respond contact.'),
        ('', 'effective_id', 'The live contact the record stands for: itself, or the winner of its merge.'),
        ('', 'kind', 'email, phone; email_raw, phone_raw for exact mode; phone_national, email_near for near misses.'),
        ('', 'key', 'The comparable form of the value.'),
        ('', 'source_field', 'API name of the field that holds the value.'),
        ('', 'source_fields', 'API names of the fields that hold the key.'),
        ('', 'raw', 'The value as its system gave it.'),
        ('', 'raw_digest', 'SHA-256 of the raw value in UTF-8.'),
        ('', 'region', 'Country that a number without a prefix is read in; empty where unknown.'),
        ('', 'first_name', 'First name, as the system gave it.'),
        ('', 'last_name', 'Last name, as the system gave it.'),
        ('', 'email', 'E-mail, as the system gave it.'),
        ('', 'phone', 'Phone, as the system gave it.'),
        ('', 'mobile_phone', 'Mobile phone, as Salesforce gave it.'),
        ('', 'home_phone', 'Home phone, as Salesforce gave it.'),
        ('', 'other_phone', 'Other phone, as Salesforce gave it.'),
        ('', 'country', 'Country, as the system gave it: a name or a code.'),
        ('', 'field_name', 'API name of the Salesforce field.'),
        ('', 'started_at', 'When it began.'),
        ('', 'finished_at', 'When it ended.'),
        ('', 'settled_at', 'When its outcome was final.'),
        ('', 'updated_at', 'When the row last changed.'),
        ('', 'attempts', 'How often it was tried.'),
        ('', 'not_before', 'It is not tried again before this time.'),
        ('', 'error_code', 'The vendor''s code, or ours, of what went wrong last.'),
        ('', 'error_detail', 'What went wrong last, as a sentence.'),
        ('', 'decided_by', 'Who decided.'),
        ('', 'decided_at', 'When it was decided.'),
        ('', 'change_id', 'Number of the change, in the order they were queued.'),
        ('', 'queued_at', 'When the change was made.'),
        ('', 'matched_by', 'What matched the contact, if it is matched.'),
        ('', 'window_id', 'The extraction window.'),
        ('', 'lane', 'What the calls were for: edit, create, extract or backfill.'),
        ('', 'live_contacts', 'How many live Salesforce contacts have the key.'),
        ('', 'respond_value', 'The raw value in respond.io.'),
        ('', 'respond_key', 'The key in respond.io.'),
        ('', 'respond_kind', 'Kind of the key in respond.io.'),
        ('', 'salesforce_key', 'The key in Salesforce.'),
        ('', 'salesforce_kind', 'Kind of the key in Salesforce.'),
        ('', 'fields', 'API names of the fields that are read.'),
        ('', 'instance_url', 'Base address of the org.'),
        ('absent_winner', 'salesforce_id', 'The winner''s id.'),
        ('api_limit', 'used', 'Calls of the last 24 hours.'),
        ('api_limit', 'heard_at', 'When the figures were heard.'),
        ('api_usage', 'day', 'Day (UTC).'),
        ('api_usage', 'calls', 'Number of our calls.'),
        ('contact_creation', 'salesforce_id', 'The new Salesforce record.'),
        ('contact_creation', 'respond_id', 'The respond contact that was created or adopted.'),
        ('contact_creation', 'status', 'planned, creating, created, tagged, adopted, skipped, held or rejected.'),
        ('contact_creation', 'is_bulk_import', 'Whether the record came in by a bulk import.'),
        ('contact_creation', 'tags', 'Tags it was given.'),
        ('contact_creation', 'planned_at', 'When it was planned.'),
        ('contact_match', 'salesforce_id', 'The Salesforce contact that the agent sees.'),
        ('contact_match', 'first_matched_at', 'Since when this pair is matched.'),
        ('creation_claim', 'salesforce_id', 'The record whose person the key is taken for.'),
        ('edit_event', 'event_id', 'Number of the event, in order.'),
        ('edit_event', 'edit_id', 'The edit.'),
        ('edit_event', 'at', 'When.'),
        ('edit_event', 'from_status', 'The status before; null for a new edit.'),
        ('edit_event', 'to_status', 'The status after.'),
        ('edit_event', 'actor', 'Who or what changed it.'),
        ('edit_event', 'detail', 'base, new and stored value and the error code, as far as known then.'),
        ('extract_window', 'window_id', 'Number of the window.'),
        ('extract_window', 'kind', 'initial, incremental, backfill, refill, formula or reconcile.'),
        ('extract_window', 'status', 'planned, running, proven, short, split, failed or deferred.'),
        ('extract_window', 'bulk_job_id', 'Salesforce''s id of the bulk job, if it is read by one.'),
        ('extract_window', 'rows_quarantined', 'Rows that could not be taken: see quarantined_row.'),
        ('extract_window', 'api_calls', 'Calls it took.'),
        ('extract_window', 'detail', 'Why it is not proven, if it is not.'),
        ('extract_window', 'heartbeat_at', 'When its worker last gave a sign; an old one is taken over.'),
        ('field_edit', 'edit_id', 'Number of the edit, in the order they were queued.'),
        ('field_edit', 'salesforce_id', 'The record that the agent saw.'),
        ('field_edit', 'respond_id', 'The respond contact beside which it was edited.'),
        ('field_edit', 'new_value', 'What the agent asked for.'),
        ('field_edit', 'reverts_edit_id', 'The edit that this one takes back.'),
        ('field_edit', 'requested_by', 'The agent.'),
        ('field_edit', 'requested_at', 'When the agent asked for it.'),
        ('field_edit', 'idempotency_key', 'The client''s key of the request: sent twice, queued once.'),
        ('field_edit', 'request_digest', 'Digest of the request: another body under the same key is refused.'),
        ('field_edit', 'status', 'queued, applying, applied, conflict, rejected, discarded, superseded or parked.'),
        ('field_edit', 'claimed_at', 'When a run took it on.'),
        ('field_edit', 'claimed_by', 'The run that took it on.'),
        ('field_edit', 'sent_at', 'When it was sent to Salesforce.'),
        ('held_change', 'hold_id', 'Number of the hold: python -m contact_sync approve takes it.'),
        ('held_change', 'kind', 'unmatch or blank (the brake), gate (the quality gate).'),
        ('held_change', 'affected', 'How many contacts it concerns.'),
        ('held_change', 'sample_ids', 'Ids of some of them.'),
        ('held_change', 'held_at', 'When it was withheld.'),
        ('held_change', 'decision', 'approved, rejected or withdrawn; null while it is open.'),
        ('key_rule', 'rules_version', 'Version of the rules and of the phone numbering data.'),
        ('key_rule', 'key', 'For comparing: e-mail, phone, or ISO code of a country.'),
        ('key_rule', 'e164', 'For dialling and creating: the number in E.164.'),
        ('match_day', 'day', 'Day (UTC).'),
        ('match_day', 'matched', 'Contacts with a match.'),
        ('match_day', 'ambiguous', 'Contacts with several candidates.'),
        ('match_day', 'unmatched', 'Contacts without one.'),
        ('match_day', 'reasons', '{reason: contacts} of those without a match.'),
        ('match_decision', 'decision_id', 'Number of the decision.'),
        ('match_decision', 'reason', 'Why, as the person wrote it.'),
        ('match_decision', 'revoked_at', 'When it was taken back or replaced; null = it stands.'),
        ('match_explanation', 'salesforce_id', 'The candidate; null for a shared key.'),
        ('match_explanation', 'salesforce_fields', 'API names of the fields that hold the key.'),
        ('match_explanation', 'salesforce_values', '{API name: raw value} of these fields.'),
        ('match_explanation', 'verdict', 'match, candidate, shared (by too many) or deleted.'),
        ('match_explanation', 'issue_status', 'ambiguous or unmatched, if it is not matched.'),
        ('match_explanation', 'issue_reason', 'Why it is not matched.'),
        ('match_issue', 'status', 'ambiguous or unmatched.'),
        ('match_issue', 'reason', 'several_by_both, email_phone_disagree, several_by_email, several_by_phone; no_identifier, invalid_identifier, shared_key, no_counterpart, counterpart_deleted, decided_nobody.'),
        ('match_issue', 'candidate_count', 'How many candidates there are.'),
        ('match_overview', 'status', 'matched, ambiguous or unmatched.'),
        ('match_overview', 'reason', 'Of the matched: by what; of the others: why not.'),
        ('match_overview', 'contacts', 'Number of respond contacts.'),
        ('near_miss', 'salesforce_id', 'The live contact that it nearly is.'),
        ('near_miss', 'kind', 'email, phone: equal but for format; phone_national: no country; email_near: one letter away.'),
        ('near_miss', 'key', 'The key in respond.io.'),
        ('near_miss', 'nearness', 'In what way the two are near.'),
        ('near_miss', 'hint', 'What to change where.'),
        ('near_miss', 'salesforce_field', 'API name of the field.'),
        ('near_miss', 'salesforce_value', 'The raw value in Salesforce.'),
        ('near_miss', 'rule', 'The rule that keeps them apart.'),
        ('near_miss', 'verdict', 'Always: near, not matched.'),
        ('near_pair', 'kind', 'In what way the keys are near, as in near_miss.'),
        ('pending_entity', 'entity', 'Names one consumer''s work, as in pending_change.'),
        ('pending_entity', 'entity_id', 'What changed, as in pending_change.'),
        ('proven_window', 'kind', 'initial, incremental, backfill, refill, formula or reconcile.'),
        ('proven_window', 'read_from', 'Lower bound of SystemModstamp, inclusive; null = from the beginning.'),
        ('proven_window', 'read_until', 'Everything visible to Salesforce at this time was read.'),
        ('proven_window', 'queried_at', 'Salesforce''s clock when the query began.'),
        ('proven_window', 'rows_reported', 'How many rows Salesforce said there are: so many landed.'),
        ('quality_result', 'quality_run_id', 'The run of the suites.'),
        ('quality_result', 'name', 'The expectation.'),
        ('quality_result', 'is_met', 'Whether it holds.'),
        ('quality_result', 'at_least', 'Lower limit; null = none.'),
        ('quality_result', 'at_most', 'Upper limit; null = none.'),
        ('quality_run', 'quality_run_id', 'Number of the run.'),
        ('quality_run', 'run_id', 'The pipeline''s run, as in stage_run.'),
        ('quality_run', 'ran_at', 'When it ran.'),
        ('quarantined_row', 'quarantine_id', 'Number of the row.'),
        ('quarantined_row', 'workspace_id', 'The workspace, of a respond contact.'),
        ('quarantined_row', 'salesforce_id', 'The record''s Id as it came, of a Salesforce contact.'),
        ('quarantined_row', 'window_id', 'The window it came in.'),
        ('quarantined_row', 'reason', 'Why it could not be taken.'),
        ('quarantined_row', 'quarantined_at', 'When it was set aside.'),
        ('quarantined_row', 'resolved_at', 'When the contact landed after all; null = still open.'),
        ('rate_bucket', 'bucket_id', 'What is limited: a respond.io organization.'),
        ('rate_bucket', 'next_free_at', 'When the next call may start.'),
        ('respond_contact', 'payload', 'The other fields as respond.io gave them.'),
        ('respond_contact', 'created_at', 'When it was made in respond.io.'),
        ('respond_walk', 'walk_id', 'Number of the walk.'),
        ('respond_walk', 'began_at', 'When it began.'),
        ('respond_walk', 'cursor_id', 'Where it goes on.'),
        ('respond_walk', 'pages', 'Pages read so far.'),
        ('respond_walk', 'contacts', 'Contacts met so far.'),
        ('salesforce_contact', 'created_at', 'CreatedDate.'),
        ('salesforce_contact', 'created_by_id', 'CreatedById.'),
        ('salesforce_contact', 'last_modified_at', 'LastModifiedDate.'),
        ('salesforce_contact', 'last_modified_by_id', 'LastModifiedById.'),
        ('salesforce_contact', 'system_modstamp', 'SystemModstamp.'),
        ('salesforce_contact', 'bulk_evidence', 'What the verdict rests on: the ingest job, or the size of the burst.'),
        ('salesforce_contact', 'bulk_judged_at', 'When it was judged.'),
        ('salesforce_field', 'name', 'API name; of a parent field as Account.Name.'),
        ('salesforce_field', 'label', 'Salesforce''s label.'),
        ('salesforce_field', 'type', 'Salesforce''s type.'),
        ('salesforce_field', 'length', 'Most characters; 0 = does not apply.'),
        ('salesforce_field', 'updateable', 'Whether the integration user may write it.'),
        ('salesforce_field', 'calculated', 'A formula, or a field of a parent: changes without the contact''s stamp.'),
        ('salesforce_field', 'nillable', 'Whether it may be empty.'),
        ('salesforce_field', 'picklist', 'Its active values.'),
        ('salesforce_field', 'seen_at', 'When the describe last showed it.'),
        ('salesforce_field_event', 'event_id', 'Number of the event, in order.'),
        ('salesforce_field_event', 'event', 'new, changed, lost or regained.'),
        ('salesforce_field_event', 'at', 'When it was noticed.'),
        ('salesforce_org', 'name', 'Its name.'),
        ('salesforce_org', 'api_version', 'Version of the API that is spoken with it.'),
        ('salesforce_org', 'poll_seconds', 'Pause between small windows.'),
        ('salesforce_org', 'connected_at', 'When it was connected.'),
        ('salesforce_raw_value', 'presence', 'live, deleted, purged or not_visible.'),
        ('salesforce_token', 'access_token_enc', 'The access token, encrypted.'),
        ('salesforce_token', 'refresh_token_enc', 'The refresh token, encrypted.'),
        ('salesforce_token', 'issued_at', 'When Salesforce issued it.'),
        ('salesforce_token', 'rejected_reason', 'Salesforce''s code of the refusal.'),
        ('salesforce_authorization', 'conn_id', 'The Airflow connection.'),
        ('salesforce_authorization', 'redirect_uri', 'Where Salesforce sends the person back to.'),
        ('salesforce_authorization', 'asked_at', 'When the person was asked.'),
        ('schema_migration', 'name', 'File name.'),
        ('schema_migration', 'applied_at', 'When it was applied.'),
        ('sidebar_field_choice', 'position', 'Place in the sidebar, from 1.'),
        ('sidebar_field_values', 'position', 'Place in the sidebar, from 1.'),
        ('sidebar_field_values', 'label', 'What the agent reads.'),
        ('sidebar_field_values', 'type', 'Salesforce''s type.'),
        ('sidebar_field_values', 'value', 'The value.'),
        ('sidebar_field_values', 'editable', 'Whether agents may edit it.'),
        ('sidebar_field_values', 'is_stale', 'Whether it can no longer be read: this is the last known value.'),
        ('sidebar_fields', 'salesforce_url', 'View in Salesforce.'),
        ('sidebar_fields', 'match_status', 'matched or ambiguous.'),
        ('sidebar_fields', 'refreshed_at', 'When the row was last written.'),
        ('sidebar_layout', 'layout', 'One object per chosen field, in order.'),
        ('stage_run', 'run_id', 'The run: Airflow''s, or a command''s.'),
        ('stage_run', 'stage', 'The stage.'),
        ('stage_run', 'scope', 'The org or workspace it worked on.'),
        ('stage_run', 'counts', '{what: how many}.'),
        ('stage_run', 'status', 'running, succeeded, failed, held or deferred.'),
        ('webhook_event', 'event_id', 'respond.io''s id of the event.'),
        ('webhook_event', 'event_type', 'respond.io''s name of the event.'),
        ('webhook_event', 'received_at', 'When it was received.'),
        ('workspace', 'workspace_id', 'Our name of the workspace.'),
        ('workspace', 'name', 'Its name for people.'),
        ('workspace', 'respond_conn_id', 'Airflow connection that reaches it.'),
        ('workspace', 'default_region', 'Country of phone numbers written without a prefix, where the contact names none.'),
        ('workspace', 'brake_count', 'See brake_share.'),
        ('workspace', 'editing_enabled', 'Agents may edit the fields chosen as editable.'),
        ('workspace', 'tag_created', 'Created contacts get our tag.'),
        ('workspace', 'created_at', 'When it was set up here.')
                       ) AS t (relation, name, said)
                 WHERE t.name = a.attname AND t.relation IN ('', c.relname)
                 ORDER BY t.relation DESC
                 LIMIT 1) AS said
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relnamespace = 'contact_sync'::regnamespace
           AND c.relkind IN ('r', 'v')
           AND col_description(c.oid, a.attnum) IS NULL
    LOOP
        IF missing.said IS NOT NULL THEN
            EXECUTE format('COMMENT ON COLUMN contact_sync.%I.%I IS %L', missing.relname, missing.attname, missing.said);
        END IF;
    END LOOP;
END
$$;
COMMENT ON COLUMN unusable_value.reason IS 'Why it is no key, as in key_rule.';
COMMENT ON COLUMN salesforce_landing.row_number IS 'Place of the row in its window.';
COMMENT ON COLUMN salesforce_landing.record IS 'The row as Salesforce gave it.';
COMMENT ON COLUMN respond_walk_seen.walk_id IS 'The walk.';
COMMENT ON COLUMN salesforce_listing.system_modstamp IS 'SystemModstamp.';
COMMENT ON COLUMN salesforce_listing.is_deleted IS 'IsDeleted.';
COMMENT ON COLUMN merged_set.rows_landed IS 'Rows of the set.';
COMMENT ON COLUMN merged_set.rows_merged IS 'Rows that were news to the mirror.';
COMMENT ON COLUMN merged_set.merged_at IS 'When it was merged.';
COMMENT ON COLUMN contact_creation.rule IS 'Why a record was skipped: before_switch_on, bulk_import, no_key, matched, ambiguous, shared_key, same_person, was_present, deleted, erased or switched_off.';
COMMENT ON COLUMN contact_match.matched_by IS 'The first rule that decided: decision (a person''s), creation (ours), email+phone, email, phone, or most_recent.';
COMMENT ON COLUMN key_rule.reason IS 'Why the value is no key: empty, placeholder, no_country, no_area_code, too_short, too_long, invalid or several_values.';
