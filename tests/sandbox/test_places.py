"""A sandbox's files and secrets."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from sandbox import places


def test_credentials_are_private_made_once_and_kept(tmp_path: Path) -> None:
    place = places.Places(tmp_path)
    made = places.ensure_credentials(place, org_id="00Dx", integration_user_id="005x")
    assert places.ensure_credentials(place, org_id="other", integration_user_id="other") == made
    assert place.credentials.stat().st_mode & 0o777 == 0o600
    assert set(made) == {
        "consumer_key", "consumer_secret", "respond_token", "org_id", "integration_user_id",
        "respond_space_id", "respond_org_id",
    }  # fmt: skip


def test_the_respond_token_names_workspace_and_organization(tmp_path: Path) -> None:
    made = places.ensure_credentials(places.Places(tmp_path), org_id="00Dx", integration_user_id="005x")
    _, payload, _ = made["respond_token"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["spaceId"] == made["respond_space_id"]
    assert claims["orgId"] == made["respond_org_id"]
    assert set(claims) == {"spaceId", "orgId", "id", "iat", "type"}


def test_one_process_at_a_time(tmp_path: Path) -> None:
    place = places.Places(tmp_path)
    with place.claimed(), pytest.raises(places.InUseError, match="in use"), place.claimed():
        raise AssertionError("claimed twice")
    with place.claimed():
        pass


def test_clearing_deletes_our_files_and_nothing_else(tmp_path: Path) -> None:
    place = places.Places(tmp_path)
    for path in (place.salesforce, place.respond, place.truth, place.credentials, tmp_path / "mine.txt"):
        path.touch()
    place.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
