-- Erased people: what finds a tombstone, and how a digest is made inside the database.

-- a contact of respond.io stays erased whichever org its workspace serves
CREATE INDEX erased_person_by_digest ON erased_person (digest);

-- HMAC-SHA256 (RFC 2104) over a key that was padded and combined with the inner and the outer constant beforehand.
CREATE FUNCTION keyed_digest(inner_pad bytea, outer_pad bytea, message text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT sha256(outer_pad || sha256(inner_pad || convert_to(message, 'UTF8')))
$$;
COMMENT ON FUNCTION keyed_digest(bytea, bytea, text) IS 'HMAC-SHA256 of a message; the two pads are the key, copied into a temporary table where they are needed.';

COMMENT ON COLUMN erased_person.digest IS 'HMAC-SHA256 under a key derived from CONTACT_SYNC_SECRET; one row of each org proves that the secret is still the same.';
COMMENT ON COLUMN erased_person.erased_at IS 'When the person was erased, or was erased again after coming back under another id.';
