from __future__ import annotations

import pytest

from contact_sync import reasons

OWN_WORDS = "No professors on Mondays"


def test_a_known_code_gives_a_sentence_for_an_agent() -> None:
    assert (
        reasons.sentence("STRING_TOO_LONG")
        == "The text is too long for this field. Shorten it and try again."
    )


def test_a_validation_rules_own_words_are_told() -> None:
    told = reasons.sentence("FIELD_CUSTOM_VALIDATION_EXCEPTION", OWN_WORDS)
    assert told.startswith("A validation rule in Salesforce")
    assert OWN_WORDS in told


def test_other_known_codes_keep_salesforces_words_to_themselves() -> None:
    assert OWN_WORDS not in reasons.sentence("STRING_TOO_LONG", OWN_WORDS)


@pytest.mark.parametrize(
    ("code", "detail", "told"),
    [
        ("NEW_CODE", OWN_WORDS, f"Salesforce refused the change (NEW_CODE): {OWN_WORDS}"),
        ("NEW_CODE", None, "Salesforce refused the change (NEW_CODE): it gave no reason"),
        (None, None, "Salesforce refused the change (no code): it gave no reason"),
    ],
)
def test_an_unknown_code_is_kept_as_it_came(code: str | None, detail: str | None, told: str) -> None:
    assert reasons.sentence(code, detail) == told


def test_every_sentence_ends() -> None:
    tables = (reasons.SENTENCES, reasons.RETRIES, reasons.WAITS, reasons.OBSTACLES)
    assert all(sentence.endswith(".") for table in tables for sentence in table.values())


@pytest.mark.parametrize(
    "code",
    ["UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "REQUEST_RUNNING_TOO_LONG", "QUERY_TIMEOUT", "merged"],
)
def test_who_is_tried_again_is_asked_for_nothing_and_who_is_refused_is_told_what_to_do(code: str) -> None:
    assert "by itself" in reasons.retry_sentence(code)
    final = reasons.sentence(code)
    assert "refused the change" not in final
    assert "by itself" not in final
