from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from contact_sync import database, errors, records
from contact_sync.salesforce.tokens import TokenStore
from tests.conftest import SECRET
from tests.salesforce.conftest import CONNECTION

TOKEN = records.SalesforceToken(
    access_token="access", instance_url="http://instance", issued_at=datetime(2026, 1, 1, tzinfo=UTC)
)


def rotated(access_token: str, refresh_token: str) -> records.SalesforceToken:
    return records.SalesforceToken(
        access_token=access_token,
        instance_url=TOKEN.instance_url,
        issued_at=TOKEN.issued_at,
        refresh_token=refresh_token,
    )


def store(db: database.Database, *, seed: str | None = None, secret: str = SECRET) -> TokenStore:
    return TokenStore(db, secret, replace(CONNECTION, refresh_token=seed))


def test_without_a_secret_nothing_is_stored(db: database.Database) -> None:
    with pytest.raises(errors.StopError, match="CONTACT_SYNC_SECRET"):
        store(db, secret="")


def test_what_is_written_is_read(db: database.Database, org_id: records.OrgId) -> None:
    store(db).write(org_id, TOKEN)
    assert store(db).read(org_id) == TOKEN


def test_an_org_without_a_token_has_none(db: database.Database, org_id: records.OrgId) -> None:
    assert store(db).read(org_id) is None


def test_another_secret_opens_nothing(db: database.Database, org_id: records.OrgId) -> None:
    store(db).write(org_id, TOKEN)
    assert store(db, secret="another secret").read(org_id) is None


def test_a_failed_token_is_replaced_and_a_stored_one_taken(
    db: database.Database, org_id: records.OrgId
) -> None:
    store(db).write(org_id, TOKEN)
    fresh = rotated("fresh", "r")
    assert store(db).renew(org_id, lambda _: fresh, failed="access").access_token == "fresh"
    assert (
        store(db).renew(org_id, lambda _: pytest.fail("logged in again"), failed="access").access_token
        == "fresh"
    )


def test_a_refresh_token_serves_only_the_line_it_descends_from(
    db: database.Database, org_id: records.OrgId
) -> None:
    store(db, seed="seed").write(org_id, rotated("access", "rotated"))
    given: list[str | None] = []

    def log_in(refresh_token: str | None) -> records.SalesforceToken:
        given.append(refresh_token)
        return TOKEN

    for seed in ("seed", "other", None):
        store(db, seed=seed).renew(org_id, log_in, failed=None, is_forced=True)
    assert given == ["rotated", None, None]


def test_the_org_of_a_refresh_token_is_found_by_its_connection(
    db: database.Database, org_id: records.OrgId
) -> None:
    store(db, seed="seed").write(org_id, rotated("access", "rotated"))
    assert store(db, seed="seed").descendant(CONNECTION.conn_id) == org_id
    assert store(db, seed="other").descendant(CONNECTION.conn_id) is None
    assert store(db, seed="seed").descendant("another_connection") is None


def test_a_log_in_that_could_not_be_answered_is_no_refusal(
    db: database.Database, org_id: records.OrgId
) -> None:
    def busy(_: str | None) -> records.SalesforceToken:
        raise errors.RetryError("busy")

    with pytest.raises(errors.RetryError):
        store(db).renew(org_id, busy, failed=None)
    assert store(db).renew(org_id, lambda _: TOKEN, failed=None) == TOKEN
