"""What Salesforce's refusals mean for an agent: its status code to our code, a sentence, and what to do. Pure.

Codes are those of the SOAP API Developer Guide, "StatusCode". A code that is not here is kept as it came.
"""

from __future__ import annotations

from collections.abc import Mapping

#: What Salesforce says of itself, not of the change; told once it was said too often.
_ITS_OWN = (
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "API_TEMPORARILY_UNAVAILABLE",
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
    "PROCESSING_HALTED",
    "REQUEST_LIMIT_EXCEEDED",
    "SERVER_UNAVAILABLE",
    "TERRITORY_REALIGN_IN_PROGRESS",
    "TOO_MANY_APEX_REQUESTS",
)

SENTENCES: Mapping[str, str] = {
    **dict.fromkeys(_ITS_OWN, "Salesforce could not take this change again and again. Try again later."),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "A validation rule in Salesforce does not allow this value.",
    "FIELD_FILTER_VALIDATION_EXCEPTION": "Salesforce does not allow this value beside the record's other values.",
    "REQUIRED_FIELD_MISSING": "Salesforce requires a field of this record that is empty. Ask an administrator.",
    "STRING_TOO_LONG": "The text is too long for this field. Shorten it and try again.",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "This value is not in the field's list. Choose one of the list.",
    "TOO_MANY_ENUM_VALUE": "Too many values are chosen for this field. Choose fewer.",
    "NUMBER_OUTSIDE_VALID_RANGE": "The number is out of the field's range. Correct it and try again.",
    "INVALID_TYPE_ON_FIELD_IN_RECORD": "The value does not fit the field's type. Correct it and try again.",
    "DUPLICATE_VALUE": "Another record holds this value already, and it must be unique.",
    "DUPLICATES_DETECTED": "Salesforce takes this for a duplicate of another record. Look there first.",
    "INSUFFICIENT_ACCESS_OR_READONLY": "The connection may not edit this record. Ask a Salesforce administrator.",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "The connection may not use the record that this value points to.",
    "INVALID_FIELD_FOR_INSERT_UPDATE": "The connection may not edit this field. Ask a Salesforce administrator.",
    "INVALID_CROSS_REFERENCE_KEY": "The value points to a record that does not exist or cannot be seen.",
    "CANNOT_EXECUTE_FLOW_TRIGGER": "An automation in Salesforce failed on this change. Ask a Salesforce administrator.",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "An automation in Salesforce refused this change. Ask an administrator.",
    "INACTIVE_OWNER_OR_USER": "The record belongs to a user who is no longer active. Ask a Salesforce administrator.",
    "ENTITY_IS_LOCKED": "The record is locked for approval in Salesforce. Try again when it is unlocked.",
    "ENTITY_IS_DELETED": "The record was deleted in Salesforce.",
    "NOT_FOUND": "The record is no longer there, or the connection may no longer see it.",
    "UNABLE_TO_LOCK_ROW": "The record was busy in Salesforce for too long. Try again.",
    "REQUEST_RUNNING_TOO_LONG": "This change takes Salesforce too long. Ask a Salesforce administrator.",
    "QUERY_TIMEOUT": "Salesforce could not read the record in time, again and again. Try again later.",
    "record_keeps_moving": "The record kept changing in Salesforce, so nothing was written. Try again.",
    "merged": "The record was merged in Salesforce, and its winner cannot be reached. Open the contact again.",
    "waited_too_long": "The change could not be sent for 30 days. Make it again if it is still wanted.",
    "INVALID_FIELD": "Salesforce no longer shows this field to the connection. Ask a Salesforce administrator.",
    "NO_ANSWER": "Salesforce failed on this change again and again without saying why. Try again later.",
}

#: While a change is tried again by itself: nobody is to enter it once more.
RETRIES: Mapping[str, str] = {
    "UNABLE_TO_LOCK_ROW": "The record is busy in Salesforce. The change is tried again by itself.",
    "ENTITY_IS_LOCKED": "The record is locked for approval in Salesforce. The change is tried again by itself.",
    "INVALID_FIELD": "Salesforce does not show this field to the connection. The change is tried again by itself.",
    "record_keeps_moving": "The record keeps changing in Salesforce. The change is tried again by itself.",
    "merged": "The record was merged. The change follows it to the winner by itself.",
}
_ANY_RETRY = "Salesforce cannot take the change at the moment. It is tried again by itself."

#: Why all edits of an org wait, by our own code.
WAITS: Mapping[str, str] = {
    "no_answer": "Salesforce does not answer at the moment. The change goes on by itself when it does.",
    "quota_used_up": "Salesforce's daily limit of calls is used up. The change goes on by itself when it is renewed.",
    "refused_connection": "Salesforce refuses the connection. The change goes on by itself when an administrator has"
    " repaired it.",
}

#: Why an edit is parked, by our own code.
OBSTACLES: Mapping[str, str] = {
    "disconnected": "This workspace is not connected to Salesforce. The change waits until it is.",
    "editing_off": "Editing is switched off for this workspace. The change waits until it is on.",
    "field_not_editable": "This field is not switched on for editing. The change waits until it is.",
    "permission_lost": "The connection may no longer edit this field. The change waits; ask a Salesforce"
    " administrator.",
}


def retry_sentence(code: str) -> str:
    """Return what to tell the agent of a change that will be tried again."""
    return RETRIES.get(code, _ANY_RETRY)


def sentence(code: str | None, detail: str | None = None) -> str:
    """Return what to tell the agent; an unknown code keeps Salesforce's own words."""
    known = SENTENCES.get(code or "")
    if known is None:
        return f"Salesforce refused the change ({code or 'no code'}): {detail or 'it gave no reason'}"
    return f"{known} ({detail})" if detail and code == "FIELD_CUSTOM_VALIDATION_EXCEPTION" else known
