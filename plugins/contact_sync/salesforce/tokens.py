"""Tokens at rest: encrypted, one row per org, locked while one worker logs in for all.

The key is derived from CONTACT_SYNC_SECRET; after a change of secret the old tokens are unreadable and a new log-in
replaces them. Refresh tokens rotate, and using an old one again may revoke the whole grant: so each is kept with a
digest of the connection's token that it descends from, and a connection only counts when it brings a new one.

A refusal stops every worker at once and without a call, all with the same message. It ends when a person connects
again, when the connection brings other credentials, or by itself: after a quarter of an hour one worker, holding the
row's lock, tries once for all, so that what was put right in Salesforce alone heals too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from contact_sync import database, errors, records
from contact_sync.salesforce import authorization, sealing

#: A refused log-in is tried again after so long, by one worker: four an hour and org, however many workers there are.
REFUSED_SECONDS = 900.0

LogIn = Callable[[str | None], records.SalesforceToken]


class TokenStore:
    """The table ``salesforce_token``, in clear text for this process only."""

    def __init__(self, db: database.Database, secret: str, connection: records.SalesforceConnection) -> None:
        self._db = db
        self._conn_id = connection.conn_id
        self._seal = sealing.Seal(secret)
        seed = _seed(connection)
        self._seed = hashlib.sha256(seed.encode()).hexdigest() if seed else None
        self._credentials = self._seal.digest(
            connection.login_url,
            connection.consumer_key,
            connection.consumer_secret,
            connection.username,
            connection.private_key,
            connection.refresh_token,
        )

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

        ``log_in`` is given the stored refresh token that descends from the connection's, if any; its answer is
        committed before anybody uses it.
        ``is_forced`` logs in whatever is stored, refusals included: a person asked.
        Raises StopError after a refusal, and without a call while one of these credentials is fresh.
        """
        with self._db.transaction() as tx:
            row = self._locked(tx, org_id)
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
                self._reject(tx, org_id, str(exc))
            else:
                self._store(tx, org_id, token)
                return token
        raise refusal

    def write(self, org_id: records.OrgId, token: records.SalesforceToken) -> None:
        """Store a token that was obtained before the org had a row."""
        with self._db.transaction() as tx:
            tx.execute("insert_salesforce_token", org_id=org_id)
            self._store(tx, org_id, token)

    def reject(self, org_id: records.OrgId, token: records.SalesforceToken, reason: str) -> None:
        """Stop everybody: a token that was just issued is refused. One that somebody stored meanwhile stays."""
        with self._db.transaction() as tx:
            stored = self._token(self._locked(tx, org_id))
            if stored is None or stored.access_token == token.access_token:
                self._reject(tx, org_id, reason)

    def write_question(self, question: authorization.Question) -> None:
        """Remember what a person is asked to authorize."""
        self._db.execute(
            "upsert_authorization",
            conn_id=self._conn_id,
            state=question.state,
            verifier_enc=self._seal.encrypt(question.verifier),
            redirect_uri=question.redirect_uri,
        )

    def question(self) -> authorization.Asked | None:
        """Return what a person was asked last, None if nothing, or nothing that this secret opens."""
        row = self._db.one("select_authorization", conn_id=self._conn_id)
        verifier = self._seal.decrypt(row["verifier_enc"]) if row else None
        if row is None or verifier is None:
            return None
        return authorization.Asked(state=row["state"], verifier=verifier, redirect_uri=row["redirect_uri"])

    def delete_question(self) -> None:
        """Forget it: a code is worth one grant."""
        self._db.execute("delete_authorization", conn_id=self._conn_id)

    def _locked(self, tx: database.Transaction, org_id: records.OrgId) -> database.Row:
        tx.execute("insert_salesforce_token", org_id=org_id)
        row = tx.one(
            "lock_salesforce_token",
            org_id=org_id,
            fresh_seconds=REFUSED_SECONDS,
            credentials=self._credentials,
        )
        assert row is not None
        return row

    def _reject(self, tx: database.Transaction, org_id: records.OrgId, reason: str) -> None:
        tx.execute("reject_salesforce_token", org_id=org_id, reason=reason, credentials=self._credentials)

    def _store(self, tx: database.Transaction, org_id: records.OrgId, token: records.SalesforceToken) -> None:
        tx.execute(
            "update_salesforce_token",
            org_id=org_id,
            access_token_enc=self._seal.encrypt(token.access_token),
            refresh_token_enc=self._seal.encrypt(self._lineage(token.refresh_token)),
            instance_url=token.instance_url,
            issued_at=token.issued_at,
        )

    def _token(self, row: database.Row | None) -> records.SalesforceToken | None:
        access_token = self._seal.decrypt(row["access_token_enc"]) if row else None
        if row is None or access_token is None:
            return None
        return records.SalesforceToken(
            access_token=access_token, instance_url=row["instance_url"], issued_at=row["issued_at"]
        )

    def _lineage(self, refresh_token: str | None) -> str | None:
        return json.dumps({"seed": self._seed, "refresh_token": refresh_token}) if refresh_token else None

    def _refresh_token(self, row: database.Row) -> str | None:
        stored = json.loads(self._seal.decrypt(row["refresh_token_enc"]) or "{}")
        return stored["refresh_token"] if self._seed and stored.get("seed") == self._seed else None


def _seed(connection: records.SalesforceConnection) -> str | None:
    """What a stored refresh token descends from; None for the flows that have none."""
    if connection.refresh_token:
        return connection.refresh_token
    # by a person's authorization: another app's is another line
    return f"authorized for {connection.consumer_key}" if connection.is_authorized else None
