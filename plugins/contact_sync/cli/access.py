"""What an org lets us do, as status tells it: whether it lets us in, what is left of its day, what became of fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contact_sync import budget, database
from contact_sync.cli import output

#: News of fields older than this are in the table alone.
NEWS_DAYS = 7

Item = Mapping[str, Any]


def read(db: database.Database) -> dict[str, Item]:
    """Return per org ``login`` (None unless refused), ``api`` (None unless heard), ``field_news``, ``lost_in_use``."""
    news = [dict(row) for row in db.all("select_field_news", days=NEWS_DAYS)]
    return {
        row["org_id"]: {
            "login": _login(dict(row)),
            "api": _api(dict(row)),
            "field_news": [_without_org(event) for event in news if event["org_id"] == row["org_id"]],
            "lost_in_use": row["lost_in_use"],
        }
        for row in db.all("select_org_access")
    }


def lines(org: Item) -> Iterator[str]:
    """Tell a person."""
    if org["login"]:
        age = output.age(org["login"]["age_seconds"])
        yield f"  log-in            REFUSED {age} ago: {output.visible(org['login']['reason'])}"
    yield f"  API calls today   {output.counts(org['calls_today']) if org['calls_today'] else 'none'}"
    if org["api"]:
        yield f"  API calls left    {_left(org['api'])}"
    if org["lost_in_use"]:
        names = ", ".join(org["lost_in_use"])
        yield f"  lost fields       {names}: shown to agents as stale; grant them again, then connect --refresh"
    if org["field_news"]:
        yield f"  fields            {', '.join(map(_event, org['field_news']))}"


def _login(row: Item) -> Item | None:
    if row["rejected_at"] is None:
        return None
    return {
        "refused_at": row["rejected_at"],
        "age_seconds": row["rejected_age_seconds"],
        "reason": row["reason"],
    }


def _api(row: Item) -> Item | None:
    """``left`` is how many calls each lane may still make, as everybody's count stands."""
    if row["most"] is None:
        return None
    used, most = row["used"], row["most"]
    left = {lane: max(0, int(most * share) - used) for lane, share in budget.SHARES.items()}
    return {"used": used, "most": most, "age_seconds": row["heard_age_seconds"], "left": left}


def _left(api: Item) -> str:
    parts = ", ".join(f"{lane} {number}" for lane, number in api["left"].items())
    age = output.age(api["age_seconds"])
    return f"{parts}  ({api['used']} of {api['most']} used by all programs, {age} ago)"


def _event(event: Item) -> str:
    return f"{event['field_name']} {event['event']} {output.age(event['age_seconds'])} ago"


def _without_org(event: Item) -> Item:
    return {name: value for name, value in event.items() if name != "org_id"}
