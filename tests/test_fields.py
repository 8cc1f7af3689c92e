"""Which fields are read, shown and editable."""

from __future__ import annotations

import pytest

from contact_sync import fields, values
from contact_sync.records import SalesforceField


def described(*names: str, **types: str) -> dict[str, SalesforceField]:
    """A describe of text fields by name, and of others by ``name=type``, all updateable."""
    kinds = dict.fromkeys(names, "string") | types
    return {
        name: SalesforceField(name=name, label=name, type=kind, updateable=True)
        for name, kind in kinds.items()
    }


def field(
    kind: str, *, name: str = "Title", updateable: bool = True, calculated: bool = False
) -> SalesforceField:
    return SalesforceField(name=name, label=name, type=kind, updateable=updateable, calculated=calculated)


@pytest.mark.parametrize("kind", ["string", "email", "phone", "id", "reference", "date", "encryptedstring"])
def test_a_plain_value_can_be_shown(kind: str) -> None:
    assert fields.displayable(field(kind))


@pytest.mark.parametrize("kind", ["address", "location", "base64", "anyType", "complexvalue"])
def test_compound_and_binary_values_cannot_be_shown(kind: str) -> None:
    assert not fields.displayable(field(kind))


@pytest.mark.parametrize("kind", sorted(fields.EDITABLE_TYPES))
def test_an_updateable_field_of_a_known_type_may_be_edited(kind: str) -> None:
    assert fields.read_only(field(kind)) is None
    assert fields.read_only_reason(field(kind)) is None


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (field("email", name="Email"), "email_or_phone"),
        (field("phone", name="Fax"), "email_or_phone"),
        (field("email", name="Work_Mail__c"), "email_or_phone"),
        (field("phone", name="Phone", updateable=False), "email_or_phone"),
        (field("string", name="Account.Name"), "parent_field"),
        (field("address", name="MailingAddress"), "unsupported_type"),
        (field("double", name="Score__c", updateable=False, calculated=True), "calculated"),
        (field("datetime", name="CreatedDate", updateable=False), "not_updateable"),
        (field("id", name="Id"), "unknown_type"),
        (field("newtype", name="X__c"), "unknown_type"),
    ],
)
def test_a_read_only_field_says_why(refused: SalesforceField, code: str) -> None:
    reason = fields.read_only(refused)
    assert reason is not None
    assert reason.code == code
    assert fields.read_only_reason(refused) == reason.sentence
    assert reason.sentence.endswith(".")


def test_every_editable_type_has_a_converter() -> None:
    assert set(values._CONVERTERS) == fields.EDITABLE_TYPES


def test_system_and_match_fields_are_always_read_first() -> None:
    names = fields.select_list([], described(*fields.SYSTEM_FIELDS, *fields.MIRROR_COLUMNS, "Title"))
    assert names == [*fields.SYSTEM_FIELDS, *fields.MIRROR_COLUMNS]


def test_chosen_fields_come_once_and_in_salesforce_spelling() -> None:
    names = fields.select_list(["title", "Email", "Title", "id"], described("Email", "Title"))
    assert names == [*fields.SYSTEM_FIELDS, "Email", "Title"]


def test_a_lost_field_is_left_out() -> None:
    assert "Lost__c" not in fields.select_list(["Lost__c"], described("Email"))
    assert "Phone" not in fields.select_list([], described("Email"))


def test_a_compound_field_is_left_out() -> None:
    names = fields.select_list(["MailingAddress"], described(MailingAddress="address"))
    assert names == list(fields.SYSTEM_FIELDS)


@pytest.mark.parametrize(
    "name", ["Account.Owner.Name", "Campaign.Name", "Account.", ".Name", "Other__r.Name", "Account.Name"]
)
def test_what_no_describe_of_a_parent_told_is_left_out(name: str) -> None:
    assert name not in fields.select_list([name], described("AccountId", "Region__c", "Owner.Name"))


@pytest.mark.parametrize("name", ["Owner.Name", "owner.name"])
def test_a_field_of_a_described_parent_is_read(name: str) -> None:
    assert "Owner.Name" in fields.select_list([name], described("OwnerId", "Owner.Name"))


def references(**leading: tuple[str, ...]) -> dict[str, SalesforceField]:
    """Contact's references by relationship, and the objects they lead to."""
    return {
        f"{name}Id": SalesforceField(
            name=f"{name}Id", label=name, type="reference", relationship=name, refers_to=objects
        )
        for name, objects in leading.items()
    }


def test_a_parent_is_told_by_the_object_it_is_of() -> None:
    found = fields.parents(
        references(Account=("Account",), Owner=("User",), Who=("Lead", "User"), Jigsaw=()).values()
    )
    assert found == {"Account": "Account", "Owner": "User", "Who": "Name"}


def test_a_parent_is_described_once_somebody_shows_it() -> None:
    known = references(Account=("Account",), Owner=("User",)) | described("Account.Name")
    names = ["owner.Name", "Owner.Email", "Account.Site", "Title", "Lead.Company"]
    assert fields.undescribed_parents(names, known) == {"Owner"}


def test_a_described_parent_is_held_to_its_describe() -> None:
    names = fields.select_list(["Account.Name", "Account.Lost__c"], described("AccountId", "Account.Name"))
    assert names == [*fields.SYSTEM_FIELDS, "Account.Name"]


def test_api_names_have_no_case() -> None:
    assert fields.canonical_name(" mailingcity ", ["Title", "MailingCity"]) == "MailingCity"
    assert fields.canonical_name("Mailing", ["MailingCity"]) is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Titel", "Title"),
        ("mailing_city", "MailingCity"),
        ("LoyaltyTier__c", "Loyalty_Tier__c"),
        ("Fristname", "FirstName"),
    ],
)
def test_the_nearest_name_is_offered(typed: str, meant: str) -> None:
    names = ["FirstName", "Title", "MailingCity", "MailingState", "Loyalty_Tier__c", "Description"]
    assert fields.nearest_names(typed, names)[0] == meant


@pytest.mark.parametrize("typed", ["Xyzzy", "", "T" * 1_000_000])
def test_nothing_near_offers_nothing(typed: str) -> None:
    assert fields.nearest_names(typed, ["Title", "MailingCity"]) == []
