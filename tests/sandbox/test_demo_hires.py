"""The new people are entered once per home, and show what they are there to show."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox import demo_hires
from sandbox.demo_home import Home, Options

#: Fewer than a burst, and few enough for five calls a second.
MOST_ELIGIBLE = 19


def test_those_who_are_imported_come_last() -> None:
    order = [hire.is_imported for hire in demo_hires.HIRES]
    assert order == sorted(order)


def test_those_entered_by_hand_are_no_burst() -> None:
    assert sum(not hire.is_imported for hire in demo_hires.HIRES) <= MOST_ELIGIBLE


def test_every_rule_of_the_main_road_is_shown() -> None:
    usual = {hire.ends[0] for hire in demo_hires.HIRES}
    skipped = {f"skipped {rule}" for rule in ("matched", "same_person", "no_key", "bulk_import")}
    assert usual == {"tagged", "adopted", *skipped}


def test_a_home_remembers_whom_it_entered(tmp_path: Path) -> None:
    home = Home(Options(home=tmp_path))
    home.write_private("hires.json", json.dumps({"ids": ["003A"]}))
    hired = demo_hires.enter(home)
    home.close()
    assert (hired.ids, hired.is_new) == (["003A"], False)
