"""What may be sent: values keep their types, and what no database stores is refused."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest

from contact_sync.sidebar import models


def read(value: Any) -> Any:
    return models.NewEdit(respond_id=1, field_name="Title", new_value=value).new_value


@pytest.mark.parametrize("value", [True, False, 1, 1.5, "1", "", None, ["a", "b"]])
def test_a_value_keeps_its_type(value: Any) -> None:
    assert (type(read(value)), read(value)) == (type(value), value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": 1}, [1], [["a"]], "\x00", ["\ud800"]])
def test_what_cannot_be_stored_is_refused(value: Any) -> None:
    with pytest.raises(pydantic.ValidationError):
        read(value)


@pytest.mark.parametrize("name", ["", "1st", "a b", "Title\n", "x" * 256, "naïve"])
def test_a_name_that_no_field_has_is_refused(name: str) -> None:
    with pytest.raises(pydantic.ValidationError):
        models.NewEdit(respond_id=1, field_name=name, new_value="x")


def test_a_parents_field_has_a_name_too() -> None:
    assert models.NewEdit(respond_id=1, field_name="Account.Name", new_value="x").field_name == "Account.Name"
