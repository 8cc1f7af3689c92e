"""A hold as a question under Airflow's *Required actions*, and the answer as a decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contact_sync import database, errors, holds

APPROVE = "Approve"
REJECT = "Reject"
#: Also what nobody's answer means: the hold stays open and is asked about again.
LATER = "Decide later"
OPTIONS = (APPROVE, REJECT, LATER)

_DECISIONS: Mapping[str, holds.Decision] = {APPROVE: "approved", REJECT: "rejected"}

Question = dict[str, Any]


def question(row: Mapping[Any, Any]) -> Question:
    """Return ``hold_id`` and ``affected``, and ``subject`` and ``body`` for the person; ids and counts only."""
    samples = "\n".join(f"* `{sample}`" for sample in row["sample_ids"][:10])
    return {
        "hold_id": row["hold_id"],
        "affected": row["affected"],
        "subject": f"Hold {row['hold_id']}: {holds.described(row)}",
        "body": (
            f"Held since {row['held_at']:%Y-%m-%d %H:%M} UTC.\n\n"
            + (f"Some of them:\n\n{samples}\n\n" if samples else "")
            + "**Approve**: the next run applies the change if it affects no more rows than approved. "
            "**Reject**: the rows stay as they are."
        ),
    }


def shown(question: Question) -> dict[str, str]:
    """Return what the person sees of a question."""
    return {"subject": question["subject"], "body": question["body"]}


def record(db: database.Database, question: Question, answer: Mapping[str, Any] | None) -> str | None:
    """Write an answer down; return the decision, None if there is none or somebody decided before.

    ``answer`` is the operator's result: ``chosen_options``, ``params_input``, ``responded_by_user``. Without a number
    it approves what the question named: later runs may have withheld more while it was open.
    """
    chosen = (answer or {}).get("chosen_options") or [LATER]
    decision = _DECISIONS.get(chosen[0])
    if answer is None or decision is None:
        return None
    person = answer.get("responded_by_user") or {}
    try:
        holds.decide(
            db,
            question["hold_id"],
            decision,
            by=str(person.get("name") or person.get("id") or "airflow"),
            approved_up_to=(answer.get("params_input") or {}).get("approved_up_to") or question["affected"],
        )
    except errors.RejectError:
        # decided by a command meanwhile, or withdrawn: the first decision counts
        return None
    return decision
