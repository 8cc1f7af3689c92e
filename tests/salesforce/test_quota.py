"""What is left of an org's day: heard by one session, known to all, asked for where nobody said."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from contact_sync import errors
from contact_sync.salesforce import auth, quota
from tests.raw_sql import RawSql
from tests.salesforce.conftest import OpenLive, OpenSession, ScriptedOrg, refusal

LIMITS = "/services/data/v66.0/limits"


def say(org: ScriptedOrg, header: str | None, *, left: int = 0, most: int = 100) -> None:
    """Let every answer carry a header (None: none at all), and ``/limits`` tell what is left."""

    def answered(request: httpx.Request) -> httpx.Response:
        is_limits = request.url.path == LIMITS
        body = {"DailyApiRequests": {"Max": most, "Remaining": left}} if is_limits else {}
        return httpx.Response(200, json=body, headers={"Sforce-Limit-Info": header or ""})

    org.answer = answered


def asked(org: ScriptedOrg) -> int:
    return sum(request.url.path == LIMITS for request in org.calls)


def grow_old(raw: RawSql, seconds: float) -> None:
    raw(
        "UPDATE api_limit SET heard_at = heard_at - make_interval(secs => %(s)s),"
        " asked_at = asked_at - make_interval(secs => %(s)s)",
        s=seconds,
    )


@pytest.mark.parametrize(
    ("header", "used", "most"),
    [
        ("api-usage=25/5000", 25, 5000),
        ("api-usage=25/5000; per-app-api-usage=17/250(appName=X)", 25, 5000),
        ("per-app-api-usage=17/250(appName=X), api-usage=25/5000", 25, 5000),
    ],
)
def test_the_limits_header_is_read_in_both_forms(
    session: auth.Session, org: ScriptedOrg, header: str, used: int, most: int
) -> None:
    say(org, header)
    session.call("GET", "/x")
    assert (session.quota.used, session.quota.most) == (used, most)
    assert asked(org) == 0


def test_a_lane_that_used_its_share_calls_no_more(session: auth.Session, org: ScriptedOrg) -> None:
    say(org, "api-usage=90/100")
    session.call("GET", "/x")
    with pytest.raises(errors.QuotaError):
        session.call("GET", "/x")
    assert len(org.calls) == 1


def test_what_one_session_heard_stops_the_next_at_once(open_session: OpenSession, org: ScriptedOrg) -> None:
    say(org, "api-usage=90/100")
    open_session(lane="edit").call("GET", "/x")
    with pytest.raises(errors.QuotaError, match="lane extract stops at 85%"):
        open_session(lane="extract").call("GET", "/x")
    assert len(org.calls) == 1


def test_the_lanes_above_go_on(open_session: OpenSession, org: ScriptedOrg) -> None:
    say(org, "api-usage=90/100")
    for lane in ("edit", "create", "edit"):
        open_session(lane=lane).call("GET", "/x")
    assert len(org.calls) == 3


def test_old_figures_are_asked_for_again_before_they_stop_a_lane(
    open_session: OpenSession, org: ScriptedOrg, raw: RawSql
) -> None:
    say(org, "api-usage=90/100", left=40)
    open_session(lane="edit").call("GET", "/x")
    grow_old(raw, quota.STOPPING_SECONDS + 1)
    say(org, "api-usage=60/100", left=40)
    open_session(lane="extract").call("GET", "/x")
    assert asked(org) == 1


def test_while_the_day_is_used_up_one_worker_asks_for_all(
    open_session: OpenSession, org: ScriptedOrg, raw: RawSql
) -> None:
    say(org, "api-usage=90/100", left=10)
    open_session(lane="edit").call("GET", "/x")
    grow_old(raw, quota.STOPPING_SECONDS + 1)
    for _ in range(3):
        with pytest.raises(errors.QuotaError):
            open_session(lane="extract").call("GET", "/x")
    assert asked(org) == 1


def test_answers_without_the_header_are_backed_by_one_question(
    open_session: OpenSession, org: ScriptedOrg, raw: RawSql
) -> None:
    say(org, None, left=40)
    for _ in range(3):
        open_session().call("GET", "/x")
    assert asked(org) == 1
    assert raw("SELECT used, most FROM api_limit") == [{"used": 60, "most": 100}]


def test_silent_answers_stop_a_lane_too(open_session: OpenSession, org: ScriptedOrg) -> None:
    say(org, None, left=10)
    open_session().call("GET", "/x")
    with pytest.raises(errors.QuotaError):
        open_session().call("GET", "/x")


def test_a_used_up_day_is_known_to_all_at_once(open_session: OpenSession, org: ScriptedOrg) -> None:
    say(org, "api-usage=80/100")
    open_session().call("GET", "/x")
    org.answer = lambda _: refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    with pytest.raises(errors.QuotaError, match="used up"):
        open_session().call("GET", "/x")
    with pytest.raises(errors.QuotaError, match="100 of 100"):
        open_session().call("GET", "/x")
    assert len(org.calls) == 2


def test_a_session_that_was_told_so_does_not_ask_again(session: auth.Session, org: ScriptedOrg) -> None:
    say(org, "api-usage=80/100")
    session.call("GET", "/x")
    org.answer = lambda _: refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    for _ in range(3):
        with pytest.raises(errors.QuotaError):
            session.call("GET", "/x")
    assert len(org.calls) == 2


def test_too_many_long_calls_at_once_are_tried_again_by_the_same_run(
    session: auth.Session, org: ScriptedOrg
) -> None:
    text = "ConcurrentPerOrgLongTxn Limit exceeded."
    answers = iter([refusal(403, "REQUEST_LIMIT_EXCEEDED", text), httpx.Response(200, json={})])
    org.answer = lambda _: next(answers)
    assert session.call("GET", "/x").status_code == 200


@pytest.mark.parametrize("form", ["simple", "per_app", "absent"])
def test_the_stand_ins_figures_are_everybodys(
    open_live: OpenLive, vendor: httpx.Client, raw: RawSql, form: str
) -> None:
    settings: dict[str, Any] = {"limit_header": form, "daily_api_requests": 1000}
    vendor.post("/_sandbox/settings", json=settings).raise_for_status()
    session = open_live()
    session.call("GET", "/sobjects")
    assert (session.quota.used, session.quota.most) == (2 if form == "absent" else 1, 1000)
    assert raw.column("SELECT most FROM api_limit") == [1000]
