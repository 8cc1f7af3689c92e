"""An org's daily API calls as one session knows them: heard with every answer, remembered for all workers.

``Sforce-Limit-Info`` comes with most answers ("Headers", REST API Developer Guide) and costs nothing; where it is
missing, or old figures would stop a lane, one worker asks ``/limits`` for all.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import httpx

from contact_sync import budget, database, records

#: ``api-usage=25/5000; per-app-api-usage=17/250(appName=X)`` or its first part alone.
_USAGE = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")

#: Figures that would stop a lane are asked for again when they are older: the org's day rolls on without us.
STOPPING_SECONDS = 300.0
#: Answers without the header are backed by a question as often.
SILENT_SECONDS = 900.0
#: What is heard is written down as often, or as soon as it moved by a hundredth of the day.
_WRITE_SECONDS = 5.0

#: Asks Salesforce for its limits.
Ask = Callable[[], records.Json]


class Quota:
    """``used`` of ``most`` calls of the org's last 24 hours, everybody's; None until somebody heard it."""

    def __init__(self, db: database.Database) -> None:
        self.used: int | None = None
        self.most: int | None = None
        self._db = db
        self._heard_at: float | None = None
        self._written: tuple[float, int] | None = None

    def check(self, org_id: records.OrgId | None, lane: records.Lane, ask: Ask) -> None:
        """Raise QuotaError if the lane's share is used up. Old figures stop nobody before they were asked anew."""
        if org_id is None or budget.SHARES[lane] >= 1.0:
            return
        if self.used is None:
            self._recall(org_id)
        if self._is_used_up(lane) and self._age() > STOPPING_SECONDS:
            self._recall(org_id)
            self._ask_if_older(org_id, STOPPING_SECONDS, ask)
        budget.check_share(lane, self.used, self.most)

    def hear(self, org_id: records.OrgId | None, answer: httpx.Response, ask: Ask | None) -> None:
        """Read an answer's header. Without one, ``ask`` is used where the figures are missing or old."""
        found = _USAGE.search(answer.headers.get("Sforce-Limit-Info", ""))
        if found:
            self._take(org_id, int(found[1]), int(found[2]))
        elif org_id is not None and ask and self._age() > SILENT_SECONDS:
            self._recall(org_id)
            self._ask_if_older(org_id, SILENT_SECONDS, ask)

    def exhausted(self, org_id: records.OrgId | None) -> None:
        """Let everybody know that Salesforce refused a call because the day is used up."""
        self.used = self.most
        if org_id is not None:
            self._db.execute("exhaust_limit", org_id=org_id)

    def _is_used_up(self, lane: records.Lane) -> bool:
        return bool(self.used and self.most and self.used >= self.most * budget.SHARES[lane])

    def _ask_if_older(self, org_id: records.OrgId, seconds: float, ask: Ask) -> None:
        if self._age() <= seconds:
            return
        if self._db.one("claim_limit_question", org_id=org_id, pause_seconds=STOPPING_SECONDS):
            left, most = remaining_calls(ask())
            self._take(org_id, most - left, most)

    def _recall(self, org_id: records.OrgId) -> None:
        """Take what another worker heard, if that is newer."""
        row = self._db.one("select_limit", org_id=org_id)
        if row and row["age_seconds"] < self._age():
            self.used, self.most = int(row["used"]), int(row["most"])
            self._heard_at = time.monotonic() - row["age_seconds"]

    def _take(self, org_id: records.OrgId | None, used: int, most: int) -> None:
        now = time.monotonic()
        self.used, self.most, self._heard_at = used, most, now
        is_news = (
            self._written is None
            or now - self._written[0] >= _WRITE_SECONDS
            or abs(used - self._written[1]) * 100 >= most
        )
        if org_id is not None and is_news:
            self._db.execute("remember_limit", org_id=org_id, used=used, most=most)
            self._written = now, used

    def _age(self) -> float:
        return float("inf") if self._heard_at is None else time.monotonic() - self._heard_at


def remaining_calls(body: records.Json) -> tuple[int, int]:
    """Return the org's daily API calls of an answer of ``/limits``: how many are left, how many there are in all."""
    daily = body.get("DailyApiRequests") or {}
    return int(daily.get("Remaining", 0)), int(daily.get("Max", 0))
