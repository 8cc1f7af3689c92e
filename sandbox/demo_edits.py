"""Two edits as an agent's browser makes them: one that reaches Salesforce, one that meets a colleague's change."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox import demo_airflow, demo_cycle, demo_database, demo_tenant
from sandbox.demo_calls import call
from sandbox.demo_home import DemoError, Home
from sandbox.demo_tenant import WORKSPACE

#: The queue wakes its DAG at once, and a sweep every minute looks after what nobody heard.
PATIENCE_SECONDS = 180.0

TITLES = ("Head of Customer Care", "Director of Customer Care")
#: The colleague's and the agent's wishes, each time two that are not there yet.
DEPARTMENTS = ("Customer Care", "Field Service", "Partner Desk", "Key Accounts")

Row = dict[str, Any]


@dataclass(kw_only=True)
class Edit:
    """One edit: as it was asked for, as the service tells its end, and what Salesforce has now."""

    field_name: str
    base: Any
    wish: Any
    colleague: Any = None
    end: Row = field(default_factory=dict)
    seconds: float = 0.0
    in_salesforce: Any = None


@dataclass(kw_only=True)
class Edits:
    """The two edits of one contact, and the sidebar before and after."""

    respond_id: int
    salesforce_id: str
    before: Row
    after: Row = field(default_factory=dict)
    applied: Edit
    conflicting: Edit

    @property
    def is_good(self) -> bool:
        """Tell whether one wish is in Salesforce, the other is not, and the sidebar shows both."""
        after = shown(self.after)
        return (
            self.applied.end.get("status") == "applied"
            and self.applied.in_salesforce == self.applied.wish == after.get(self.applied.field_name)
            and self.conflicting.end.get("status") == "conflict"
            and self.conflicting.in_salesforce == self.conflicting.colleague
            and after.get(self.conflicting.field_name) == self.conflicting.colleague
        )


def shown(sidebar: Row) -> dict[str, Any]:
    """Return the values that a sidebar's document shows, by field."""
    return {item["name"]: item["value"] for item in sidebar.get("fields", [])}


def make(edges: demo_cycle.Edges, home: Home, token: str) -> Edits:
    """Make both edits and wait for their ends. Raises DemoError if nobody can be edited or an end does not come."""
    return _Agent(edges, home, token).edit()


class _Agent:
    """Somebody with a browser, and a colleague who works in Salesforce itself."""

    def __init__(self, edges: demo_cycle.Edges, home: Home, token: str) -> None:
        self._edges = edges
        self._service = f"{demo_tenant.sidebar_url(home)}/api/v1"
        self._salesforce = f"{demo_tenant.salesforce_url(home)}/_sandbox/contacts"
        self._bearer = {"Authorization": f"Bearer {token}"}

    def edit(self) -> Edits:
        rows = demo_database.ask(self._edges.database_url, "editable_contact", workspace_id=WORKSPACE)
        if not rows:
            raise DemoError("No matched contact has a title and a department that could be edited.")
        respond_id, salesforce_id = rows[0]["respond_id"], rows[0]["salesforce_id"]
        before = self._sidebar(respond_id)
        title, department = shown(before)["Title"], shown(before)["Department"]
        colleague, wish = [name for name in DEPARTMENTS if name != department][:2]
        edits = Edits(
            respond_id=respond_id,
            salesforce_id=salesforce_id,
            before=before,
            applied=Edit(field_name="Title", base=title, wish=next(name for name in TITLES if name != title)),
            conflicting=Edit(field_name="Department", base=department, wish=wish, colleague=colleague),
        )
        self._post(edits.applied, edits)
        self._patch(salesforce_id, {"Department": colleague})
        self._post(edits.conflicting, edits)
        edits.after = self._caught_up(edits)
        return edits

    def _post(self, edit: Edit, edits: Edits) -> None:
        """Queue one edit, wait for its end, and read what Salesforce has then."""
        wish = {
            "respond_id": edits.respond_id,
            "field_name": edit.field_name,
            "base_value": edit.base,
            "new_value": edit.wish,
        }
        key = {"Idempotency-Key": str(uuid.uuid4()), **self._bearer}
        began = time.monotonic()
        queued = self._ask(
            lambda: call("POST", f"{self._service}/edits", wish, headers=key), f"edit of {edit.field_name}"
        )

        def is_over() -> bool:
            edit.end = call("GET", f"{self._service}/edits/{queued['edit_id']}", headers=self._bearer)
            return edit.end["status"] not in ("queued", "applying")

        self._until(is_over, f"the edit of {edit.field_name} to end")
        edit.seconds = time.monotonic() - began
        now = self._ask(
            lambda: call("GET", f"{self._salesforce}/{edits.salesforce_id}"), "Salesforce's value"
        )
        edit.in_salesforce = now[edit.field_name]
        self._edges.progress.say(
            f"an edit of {edit.field_name} ended as {edit.end['status']} after {edit.seconds:.1f} s"
        )

    def _patch(self, salesforce_id: str, fields: Row) -> None:
        self._ask(
            lambda: call("PATCH", f"{self._salesforce}/{salesforce_id}", fields), "the colleague's change"
        )

    def _sidebar(self, respond_id: int) -> Row:
        url = f"{self._service}/sidebar/{WORKSPACE}/{respond_id}"
        found: Row = self._ask(lambda: call("GET", url, headers=self._bearer), "the sidebar service")
        return found

    def _caught_up(self, edits: Edits) -> Row:
        """Return the sidebar's row once it shows the colleague's value too, which comes with the next extraction."""
        url = f"{self._service}/sidebar/{WORKSPACE}/{edits.respond_id}"
        after: Row = {}

        def is_shown() -> bool:
            after.update(call("GET", url, headers=self._bearer))
            return bool(shown(after)[edits.conflicting.field_name] == edits.conflicting.colleague)

        self._until(is_shown, "the sidebar to show the colleague's change")
        return after

    def _ask(self, ask: Callable[[], Any], what: str) -> Any:
        """Return the answer, asking again while nobody answers."""
        answers: list[Any] = []

        def is_answered() -> bool:
            answers.append(ask())
            return True

        self._until(is_answered, what)
        return answers[0]

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        def holds() -> bool:
            try:
                return condition()
            except demo_airflow.UnansweredError:
                return False

        self._edges.parts.wait(holds, what, PATIENCE_SECONDS)
