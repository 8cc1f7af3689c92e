"""Why a contact shows nothing, as an agent reads it: a sentence per reason that says how to get a match. Pure."""

from __future__ import annotations

from collections.abc import Mapping

HINTS: Mapping[str, str] = {
    "no_identifier": "Give this contact an e-mail address or a phone number, then it can be compared with Salesforce.",
    "invalid_identifier": "Correct this contact's e-mail address or phone number: as written it cannot be compared.",
    "shared_key": "Too many Salesforce contacts share this e-mail address or phone number. Give the person one of"
    " their own.",
    "no_counterpart": "No Salesforce contact has this e-mail address or phone number. Add it to the right contact in"
    " Salesforce, or correct it here.",
    "counterpart_deleted": "The Salesforce contact with this e-mail address or phone number is deleted. Restore it, or"
    " add the address or number to another contact.",
    "decided_nobody": "Somebody decided that this person is not in Salesforce. Ask an administrator to take that back.",
    "several_by_both": "Several Salesforce contacts have this e-mail address and phone number. Merge the duplicates,"
    " or ask an administrator to decide.",
    "email_phone_disagree": "The e-mail address and the phone number belong to different Salesforce contacts. Correct"
    " one of them, or ask an administrator to decide.",
    "several_by_email": "Several Salesforce contacts have this e-mail address. Merge the duplicates, or ask an"
    " administrator to decide.",
    "several_by_phone": "Several Salesforce contacts have this phone number. Merge the duplicates, or ask an"
    " administrator to decide.",
    "not_connected": "This workspace is not connected to Salesforce. Ask an administrator to connect it.",
    "not_compared_yet": "This contact is new or was changed a moment ago and is compared with Salesforce within a"
    " few minutes.",
}


def hint(reason: str, near: str | None = None) -> str:
    """Return the sentence of ``reason``; ``near`` says what to correct where something nearly matched."""
    sentence = HINTS.get(reason, "Ask an administrator why this contact has no match.")
    return f"{sentence} Something is nearly equal: {near}." if near else sentence
