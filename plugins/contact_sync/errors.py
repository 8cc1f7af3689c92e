"""The error tree. Errors are named for what the caller does next, never for where they happened.

* ContactSyncError
  · RetryError      the same call may work later
  · RejectError     this record will never be taken
  · ConflictError   somebody else's value stands; both are kept
  · StopError       a person must act

Messages name the record by id, what was tried and the next action. They never hold a secret, an e-mail
address, a phone number or a URL: messages reach logs.
"""

from __future__ import annotations


class ContactSyncError(Exception):
    """Root of every error this project raises on purpose."""


class RetryError(ContactSyncError):
    """The same call may work later. Leaves the task: Airflow's retries handle it.

    ``retry_after_seconds`` is the wait the other side asked for, None if it did not say. ``is_ambiguous``
    is true when the call may have been applied although we did not hear so: look before sending again.
    """

    def __init__(
        self, message: str, *, retry_after_seconds: float | None = None, is_ambiguous: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.is_ambiguous = is_ambiguous


class LostTurnError(RetryError):
    """The server undid our transaction in favour of another one's (a deadlock): begin it again at once."""


class QuotaError(RetryError):
    """The org's daily API allowance, or our lane's share of it, is used up: the run is deferred, not failed."""


class RejectError(ContactSyncError):
    """This record will never be taken as it is. Written on its row with the vendor's code; never leaves a stage."""

    def __init__(self, code: str, detail: str, *, status: int | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.status = status


class ConflictError(ContactSyncError):
    """Somebody else's value stands; both values are kept and nothing was overwritten. Never leaves a stage."""


class StopError(ContactSyncError):
    """A person must act: credentials, rights or settings. Becomes AirflowFailException, so it is not retried."""
