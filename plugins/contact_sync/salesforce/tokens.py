"""Tokens at rest: encrypted, one row per org, locked while one worker logs in for all.

The key is derived from CONTACT_SYNC_SECRET; after a change of secret the old tokens are unreadable and a new log-in
replaces them. Refresh tokens rotate, and using an old one again may revoke the whole grant: so each is kept with a
digest of the connection's token that it descends from, and a connection only counts when it brings a new one.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from contact_sync import database, errors, records

#: After a refusal nobody tries again for so long, so that a wrong password costs one log-in a minute per org
#: however many workers there are; a corrected connection works again within it, or at once by ``connect --refresh``.
_REFUSED_SECONDS = 60.0

LogIn = Callable[[str | None], records.SalesforceToken]


class TokenStore:
    """The table ``salesforce_token``, in clear text for this process only.

    ``seed`` is the connection's own refresh token, None for the flows that have none.
    """

    def __init__(self, db: database.Database, secret: str, *, seed: str | None) -> None:
        if not secret:
            raise errors.StopError("CONTACT_SYNC_SECRET is not set: tokens cannot be encrypted")
        self._db = db
        key = HKDF(SHA256(), 32, salt=None, info=b"contact-sync salesforce_token").derive(secret.encode())
        self._seed = hashlib.sha256(seed.encode()).hexdigest() if seed else None
        self._cipher = Fernet(base64.urlsafe_b64encode(key))

    def read(self, org_id: records.OrgId) -> records.SalesforceToken | None:
        """Return the stored token, None if there is none that this secret opens."""
        return self._token(self._db.one("select_salesforce_token", org_id=org_id))

    def descendant(self, conn_id: str) -> records.OrgId | None:
        """Return the org whose stored refresh token descends from the connection's, None if none does."""
        rows = self._db.all("select_refresh_tokens", conn_id=conn_id) if self._seed else []
        return next((row["org_id"] for row in rows if self._refresh_token(row)), None)

    def renew(
        self, org_id: records.OrgId, log_in: LogIn, *, failed: str | None, is_forced: bool = False
    ) -> records.SalesforceToken:
        """Return a token other than ``failed``: the one another worker stored meanwhile, else a new log-in's.

        ``log_in`` is given the stored refresh token that descends from ``seed``, if any; its answer is
        committed before anybody uses it.
        ``is_forced`` logs in whatever is stored, refusals included: a person asked.
        Raises StopError after a refusal, at once while one is fresh.
        """
        with self._db.transaction() as tx:
            tx.execute("insert_salesforce_token", org_id=org_id)
            row = tx.one("lock_salesforce_token", org_id=org_id, fresh_seconds=_REFUSED_SECONDS)
            assert row is not None
            stored = self._token(row)
            if stored and stored.access_token != failed and not is_forced:
                return stored
            if row["is_refused"] and not is_forced:
                raise errors.StopError(str(row["rejected_reason"]))
            try:
                token = log_in(self._refresh_token(row))
            except errors.StopError as exc:
                # raised only after the commit: the refusal must outlive this transaction
                refusal = exc
                tx.execute("reject_salesforce_token", org_id=org_id, reason=str(exc))
            else:
                self._store(tx, org_id, token)
                return token
        raise refusal

    def write(self, org_id: records.OrgId, token: records.SalesforceToken) -> None:
        """Store a token that was obtained before the org had a row."""
        with self._db.transaction() as tx:
            tx.execute("insert_salesforce_token", org_id=org_id)
            self._store(tx, org_id, token)

    def _store(self, tx: database.Transaction, org_id: records.OrgId, token: records.SalesforceToken) -> None:
        tx.execute(
            "update_salesforce_token",
            org_id=org_id,
            access_token_enc=self._encrypt(token.access_token),
            refresh_token_enc=self._encrypt(self._lineage(token.refresh_token)),
            instance_url=token.instance_url,
            issued_at=token.issued_at,
        )

    def _token(self, row: database.Row | None) -> records.SalesforceToken | None:
        access_token = self._decrypt(row["access_token_enc"]) if row else None
        if row is None or access_token is None:
            return None
        return records.SalesforceToken(
            access_token=access_token, instance_url=row["instance_url"], issued_at=row["issued_at"]
        )

    def _lineage(self, refresh_token: str | None) -> str | None:
        return json.dumps({"seed": self._seed, "refresh_token": refresh_token}) if refresh_token else None

    def _refresh_token(self, row: database.Row) -> str | None:
        stored = json.loads(self._decrypt(row["refresh_token_enc"]) or "{}")
        return stored["refresh_token"] if self._seed and stored.get("seed") == self._seed else None

    def _encrypt(self, text: str | None) -> str | None:
        return self._cipher.encrypt(text.encode()).decode("ascii") if text else None

    def _decrypt(self, text: str | None) -> str | None:
        try:
            return self._cipher.decrypt(text.encode("ascii")).decode() if text else None
        except InvalidToken:
            return None
