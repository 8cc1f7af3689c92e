"""Match: one respond contact, at most one Salesforce contact, and a reason for each miss.

Few changes are followed by index, some thousand of them by two hands; many (a quarter of the org's contacts) are one
join of everybody. All give the same rows.
"""

from __future__ import annotations

from contact_sync import database
from contact_sync.stages import _brake, _hands, _ledger

STAGE = "match_contacts"

#: Contacts of an org from which on a quarter of them changed means that everybody is matched in one join.
BROAD_FROM = 10_000

_ENTITIES = ["salesforce_key", "respond_key"]

_JUDGE = (
    "create_verdict_table",
    "join_out_of_order",
    "analyze_affected",
    "insert_met_keys",
    "analyze_met_keys",
    "judge_affected",
)
#: Where many keys were changed: the old ones are gone a moment ago, and are asked for.
_MEET_MANY = ("find_and_mark_nothing", "insert_met_keys", "find_as_ever")
_JUDGE_ALL = (
    "allow_large_joins",
    "create_crowd_table",
    "read_keys_in_order",
    "insert_crowded_keys",
    "join_everybody_by_hash",
    "create_verdicts_of_all",
    "read_keys_as_they_come",
    "insert_strays",
)
_CONTEST = ("insert_shared_spellings", "contest_shared_spellings", "contest_standing_answers")
_WEIGH = (
    "create_contest_tables",
    "look_contested_up",
    "insert_contested_keys",
    "analyze_contested_keys",
    "count_key_holders",
    "analyze_key_holders",
    "insert_candidates",
    "insert_standing_answers",
    "analyze_candidates",
    "weigh_contested",
    "resolve_most_recent",
    "apply_standing_answers",
    "note_shared_keys",
    "return_contested",
    "look_up_as_ever",
)
_SETTLE = (
    "delete_stale_matches",
    "delete_stale_issues",
    "update_matches",
    "update_issues",
)


def run(db: database.Database, *, org_id: str, run_id: str) -> dict[str, int]:
    """Match the respond contacts that changed keys, decisions or settings concern, in one transaction or two hands.

    The outcome depends on mirrors, keys, decisions, creations and settings alone: incremental or full, in any
    order, gives the same rows. Returns counts: ``looked_at``, ``matched``, ``ambiguous``, ``unmatched``,
    ``written``, and ``held`` if the brake withheld some or the gate all; ``waiting`` while the org's first load is
    not proven, or the gate has not judged what was read.
    """
    with (
        db.advisory_lock(f"match:{org_id}") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=org_id) as counts,
    ):
        wait = db.one("select_match_wait", org_id=org_id)
        # the feed keeps its rows until what was read is whole and judged: nothing passes a gate that did not run
        if is_held and wait and wait["waits_for"]:
            counts["held" if wait["waits_for"] == "decision" else "waiting"] = 1
        elif is_held:
            counts.update(_hands.with_both(lambda hands: _match(db, org_id, hands)))
    return counts


def _match(db: database.Database, org_id: str, hands: int) -> dict[str, int]:
    with db.transaction() as tx:
        # before it holds a row: an erasure keeps others out and then reaches for the feed
        tx.one("hold_off_erasures", org_id=org_id)
        extent = tx.one("select_key_change_extent", org_id=org_id, broad_from=BROAD_FROM)
        if extent is None or not extent["changes"]:
            return {}
        if not extent["is_broad"]:
            return match_changed(db, tx, org_id=org_id, hands=hands)
        tx.one("keep_working_tables_in_memory")
        tx.execute("create_match_tables")
        tx.execute("claim_all_key_changes", org_id=org_id)
        counts = process(tx, org_id=org_id, is_broad=True, is_braked=True)
    db.one("analyze_matches")
    return counts


def match_changed(
    db: database.Database, tx: database.Transaction, *, org_id: str, hands: int
) -> dict[str, int]:
    """Match those whom the feed names, one by one, with as many hands; ``tx`` is the first and stays open."""
    shares = _hands.deal(tx, org_id=org_id, entities=_ENTITIES, kind="unmatch", hands=hands)
    with _hands.joined(db, tx, org_id=org_id, hands=len(shares)) as joined:
        _claim(joined, org_id, shares)
        return _process(joined, org_id, is_broad=False, is_braked=True)


def _claim(hands: _hands.Hands, org_id: str, shares: list[list[int]]) -> None:
    def listed(tx: database.Transaction, hand: int) -> None:
        tx.execute("create_match_tables")
        tx.execute("insert_affected_contacts", org_id=org_id, change_ids=shares[hand])

    hands.each(listed)
    hands.first.execute("claim_changes", change_ids=_hands.together(shares))
    hands.swap("hand_over_affected_contacts", "take_affected_contacts")


def process(
    tx: database.Transaction, *, org_id: str, is_broad: bool = False, is_braked: bool = False
) -> dict[str, int]:
    """Match the contacts of the working table, or everybody; return the verdicts' counts and rows written.

    ``is_braked`` withholds too great a loss; one contact that a creation brings along is none.
    """
    tx.one("hold_off_erasures", org_id=org_id)
    return _process(_hands.Hands(tx), org_id, is_broad=is_broad, is_braked=is_braked)


def _process(hands: _hands.Hands, org_id: str, *, is_broad: bool, is_braked: bool) -> dict[str, int]:
    hands.each(lambda tx, _hand: _judge(tx, org_id, is_broad=is_broad, is_many=hands.are_two))
    # a disconnect that runs at this moment waits for us, so it removes what we write now
    hands.each(lambda tx, _hand: tx.all("lock_serving_workspaces", org_id=org_id))
    held = _brake.withhold_unmatches(hands, org_id=org_id) if is_braked else 0
    counts = _hands.added(hands.each(lambda tx, _hand: _settle(tx, org_id, is_broad=is_broad)))
    return {**counts, **({"held": held} if held else {})}


def _settle(tx: database.Transaction, org_id: str, *, is_broad: bool) -> dict[str, int]:
    """Write what differs from the verdicts; return their counts and how many rows were written."""
    tx.execute("join_by_hash" if is_broad else "find_by_index")
    written = sum(_execute(tx, name, org_id) for name in _SETTLE)
    new, verdicts = tx.one("insert_verdicts", org_id=org_id), tx.one("count_verdicts")
    assert new is not None and verdicts is not None
    return {**verdicts, "written": written + new["written"]}


def _judge(tx: database.Transaction, org_id: str, *, is_broad: bool, is_many: bool) -> None:
    """Fill the working table of verdicts: in one join for most, by weighing candidates for the contested."""
    for step in (*(_JUDGE_ALL if is_broad else _JUDGE), *_CONTEST):
        for name in _MEET_MANY if is_many and step == "insert_met_keys" else (step,):
            _execute(tx, name, org_id)
    # most runs have nobody to weigh and no reason to find; to plan these statements would take longer than all others
    contested = tx.execute("set_contested_aside")
    tx.execute("analyze_verdicts")
    if contested:
        for name in _WEIGH:
            _execute(tx, name, org_id)
    row = tx.one("has_keyless_contacts")
    if row and row["has_keyless"]:
        tx.execute("explain_keyless")


def _execute(tx: database.Transaction, name: str, org_id: str) -> int:
    return tx.execute(name, org_id=org_id)
