"""What may lie in a table only encrypted, and what may be compared only by digest; both under CONTACT_SYNC_SECRET."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from contact_sync import errors


class Seal:
    """Encrypts under a key derived from the secret; what another secret encrypted opens as None."""

    def __init__(self, secret: str) -> None:
        if not secret:
            raise errors.StopError("CONTACT_SYNC_SECRET is not set: tokens cannot be encrypted")
        self._key = HKDF(SHA256(), 32, salt=None, info=b"contact-sync salesforce_token").derive(
            secret.encode()
        )
        self._cipher = Fernet(base64.urlsafe_b64encode(self._key))

    def encrypt(self, text: str | None) -> str | None:
        """Return the text encrypted; None stays None."""
        return self._cipher.encrypt(text.encode()).decode("ascii") if text else None

    def decrypt(self, text: str | None) -> str | None:
        """Return what was encrypted, None if this secret does not open it."""
        try:
            return self._cipher.decrypt(text.encode("ascii")).decode() if text else None
        except InvalidToken:
            return None

    def digest(self, *parts: str | None) -> str:
        """Return a digest that tells whether the parts are the same, and nothing else about them."""
        told = "\x00".join("" if part is None else part for part in parts)
        return hmac.new(self._key, told.encode(), hashlib.sha256).hexdigest()
