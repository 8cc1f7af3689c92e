"""Gate: between extraction and matching an org's contacts are judged as a whole; what fails is a person's to decide."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from contact_sync import database, errors, holds, quality
from contact_sync.stages import _ledger

STAGE = "gate_contacts"

#: Names a directory that all workers reach; without it no Data Docs are built, the tables have the same results.
DOCS_VARIABLE = "CONTACT_SYNC_DATA_DOCS"

_DAY_SECONDS = 23 * 3600
#: How often a held org is judged again while nobody has decided.
_AGAIN_SECONDS = 240

_MEASURES = (
    "measure_salesforce_contacts",
    "measure_salesforce_keys",
    "measure_respond_contacts",
    "measure_respond_keys",
)


def run(db: database.Database, *, org_id: str, run_id: str, docs: Path | None = None) -> dict[str, int]:
    """Judge one org where that is due: after a first load or backfill, a large delta, a day, or while it is held.

    A failed suite becomes a hold of this org; matching leaves the org alone until a person approves or the data is
    better. ``docs`` defaults to the directory that CONTACT_SYNC_DATA_DOCS names.
    Returns counts: ``judged``, ``expectations``, ``failed``, ``held`` (1 if the org is held now).
    Raises StopError if the Data Docs cannot be written; the verdict stands by then.
    """
    with (
        db.advisory_lock(f"gate:{org_id}") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=org_id) as counts,
    ):
        state = db.one("select_gate_state", org_id=org_id) if is_held else None
        why = _why(state) if state else None
        if why:
            judged, judgement = _judge(db, org_id, run_id, why)
            counts.update(judged)
            _publish(judgement, docs or _docs(), org_id)
        elif state and state["verdict"] == "held":
            counts["held"] = 1
    return counts


def _docs() -> Path | None:
    named = os.environ.get(DOCS_VARIABLE)
    return Path(named) if named else None


def _why(state: database.Row) -> str | None:
    age_seconds = state["age_seconds"] or 0
    reasons = (
        (
            "held",
            state["verdict"] == "held" and (state["is_decided"] or age_seconds > _AGAIN_SECONDS),
        ),
        (state["due_for"], True),
        ("daily", age_seconds > _DAY_SECONDS),
    )
    return next((why for why, is_so in reasons if why and is_so), None)


def _judge(
    db: database.Database, org_id: str, run_id: str, why: str
) -> tuple[dict[str, int], quality.Judgement]:
    with db.transaction() as tx:
        # before anything is counted: a window that is proven in between is judged by the next run
        windows = tx.one("select_unjudged_windows", org_id=org_id)
        assert windows is not None
        measures: dict[str, int] = {}
        for name in _MEASURES:
            measures |= tx.one(name, org_id=org_id) or {}
        baseline = tx.one("select_gate_baseline", org_id=org_id)
    judgement = quality.judge(
        quality.suite(measures, baseline["measures"] if baseline else None), org_id=org_id
    )
    failed = [result for result in judgement.results if not result.is_met]
    affected = max((result.affected for result in failed), default=0)
    with db.transaction() as tx:
        samples = _samples(tx, org_id, failed)
        verdict = _verdict(tx, org_id, affected, sorted({i for ids in samples.values() for i in ids})[:20])
        row = tx.one(
            "insert_quality_run",
            org_id=org_id,
            run_id=run_id,
            why=why,
            verdict=verdict,
            affected=affected,
            measures=json.dumps(measures),
        )
        assert row is not None
        tx.execute(
            "insert_quality_results",
            quality_run_id=row["quality_run_id"],
            results=_told(judgement.results, samples),
        )
        tx.execute("mark_judged_windows", window_ids=windows["window_ids"])
    counts = {
        "judged": 1,
        "expectations": len(judgement.results),
        "failed": len(failed),
        "held": int(verdict == "held"),
    }
    return counts, judgement


def _publish(judgement: quality.Judgement, docs: Path | None, org_id: str) -> None:
    if docs is None:
        return
    try:
        quality.build_docs(judgement, docs / org_id)
    except OSError as error:
        raise errors.StopError(
            f"the verdict stands, but its Data Docs cannot be written below {DOCS_VARIABLE}: {error.strerror}."
            " Give the workers a directory that they may write"
        ) from error


def _verdict(tx: database.Transaction, org_id: str, affected: int, sample_ids: Sequence[str]) -> str:
    if not affected:
        tx.execute("end_holds", org_id=org_id, workspace_id=None, kind="gate")
        return "passed"
    is_free = holds.settled(
        tx,
        holds.Withheld(
            org_id=org_id, workspace_id=None, kind="gate", affected=affected, sample_ids=sample_ids
        ),
    )
    return "approved" if is_free else "held"


def _samples(tx: database.Transaction, org_id: str, failed: Sequence[quality.Result]) -> dict[str, list[str]]:
    names = {result.expectation.name for result in failed} & {"malformed_ids", "future_stamps"}
    rows = tx.all("sample_bad_contacts", org_id=org_id) if names else []
    return {name: [row["salesforce_id"] for row in rows if row[name]] for name in names}


def _told(results: Sequence[quality.Result], samples: dict[str, list[str]]) -> str:
    return json.dumps(
        [
            {
                "name": result.expectation.name,
                "is_met": result.is_met,
                "observed": result.expectation.observed,
                "at_least": result.expectation.at_least,
                "at_most": result.expectation.at_most,
                "sample_ids": samples.get(result.expectation.name, []),
            }
            for result in results
        ]
    )
