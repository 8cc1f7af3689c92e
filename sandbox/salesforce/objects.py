"""The objects this org has and their fields: Contact, Account, User, Organization.

Names, types and lengths follow the Object Reference; the custom fields (``__c``) are this org's own, one of
every type that a sidebar may be asked to show.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from sandbox.salesforce import fields, ids
from sandbox.salesforce.fields import Field, derived, number, phone, picklist, plain, reference, system, text

_PERSON: dict[str, Any] = {"compound": "Name", "extra_type": "personname", "is_permissionable": False}
_AUTO: dict[str, Any] = {"is_nillable": False, "is_defaulted": True}
_FULL_NAME = "trim(coalesce(t.FirstName || ' ', '') || t.LastName)"
_FULL_TITLE = "t.Title || coalesce(' at ' || (SELECT a.Name FROM Account a WHERE a.Id = t.AccountId), '')"


@dataclass(frozen=True, slots=True, eq=False)
class SObject:
    """One object: its name and its fields in describe order; compared by identity, because it is asked often."""

    name: str
    plural: str
    fields: tuple[Field, ...]
    is_writable: bool = False

    @property
    def prefix(self) -> str:
        """The first three characters of its records' Ids."""
        return ids.PREFIXES[self.name]

    def field(self, name: str) -> Field | None:
        """Return the field of that API name, whatever its case."""
        return _by_name(self).get(name.lower())

    def stored(self) -> tuple[Field, ...]:
        """The fields that have a column."""
        return _stored(self)


@functools.cache
def _by_name(sobject: SObject) -> dict[str, Field]:
    return {field.name.lower(): field for field in sobject.fields}


@functools.cache
def _stored(sobject: SObject) -> tuple[Field, ...]:
    return tuple(field for field in sobject.fields if field.is_stored)


def _stamps() -> tuple[Field, ...]:
    return (
        system("CreatedDate", "Created Date", "datetime", **_AUTO),
        _by("CreatedById", "Created By ID", "CreatedBy"),
        system("LastModifiedDate", "Last Modified Date", "datetime", **_AUTO),
        _by("LastModifiedById", "Last Modified By ID", "LastModifiedBy"),
        system("SystemModstamp", "System Modstamp", "datetime", **_AUTO),
    )


def _by(name: str, label: str, relationship: str) -> Field:
    return system(
        name, label, "reference", length=18, refers_to=("User",), relationship=relationship, **_AUTO
    )


def _identity(label: str) -> Field:
    return system("Id", label, "id", length=18, is_id_lookup=True, **_AUTO)


def _deleted() -> Field:
    return system("IsDeleted", "Deleted", "boolean", **_AUTO)


def _master(to: str) -> Field:
    return system(
        "MasterRecordId", "Master Record ID", "reference",
        length=18, refers_to=(to,), relationship="MasterRecord",
    )  # fmt: skip


def _owner() -> Field:
    return reference("OwnerId", "Owner ID", "User", "Owner", is_permissionable=False, **_AUTO)


_CUSTOM = (
    picklist("Loyalty_Tier__c", "Loyalty Tier", 255, "Bronze;Silver;Gold", is_restricted=True),
    text(
        "Interests__c", "Interests", 4099, "multipicklist",
        picklist=("Music", "Sports", "Travel", "Food", "Books"), precision=4,
    ),
    number("Score__c", "Score", "double", 18, 2),
    number("Annual_Value__c", "Annual Value", "currency", 18, 2),
    plain("VIP__c", "VIP", "boolean", **_AUTO),
    plain("Next_Call__c", "Next Call", "date"),
    plain("Last_Seen__c", "Last Seen", "datetime"),
    text("Work_Email__c", "Work Email", 80, "email"),
    phone("WhatsApp__c", "WhatsApp"),
    derived(
        "Full_Title__c", "Full Title", "string", _FULL_TITLE,
        length=1300, formula='Title & IF(ISBLANK(AccountId), "", " at " & Account.Name)',
    ),
    text("Website__c", "Website", 255, "url"),
    text("Notes__c", "Notes", 32000, "textarea", extra_type="plaintextarea", is_filterable=False),
    text("Legacy_Id__c", "Legacy ID", 64, is_external_id=True, is_id_lookup=True),
)  # fmt: skip

CONTACT = SObject(
    "Contact",
    "Contacts",
    (
        _identity("Contact ID"),
        _deleted(),
        _master("Contact"),
        reference("AccountId", "Account ID", "Account", "Account"),
        text("LastName", "Last Name", 80, is_nillable=False, **_PERSON),
        text("FirstName", "First Name", 40, **_PERSON),
        picklist("Salutation", "Salutation", 40, "Mr.;Ms.;Mrs.;Dr.;Prof.", **_PERSON),
        derived(
            "Name", "Full Name", "string", _FULL_NAME, length=121, extra_type="personname",
            is_nillable=False, is_permissionable=False, is_name=True,
        ),
        *fields.address_group("Other"),
        *fields.address_group("Mailing"),
        phone("Phone", "Business Phone"),
        phone("Fax", "Business Fax"),
        phone("MobilePhone", "Mobile Phone"),
        phone("HomePhone", "Home Phone"),
        phone("OtherPhone", "Other Phone"),
        phone("AssistantPhone", "Asst. Phone"),
        reference("ReportsToId", "Reports To ID", "Contact", "ReportsTo"),
        text("Email", "Email", 80, "email", is_id_lookup=True),
        text("Title", "Title", 128),
        text("Department", "Department", 80),
        text("AssistantName", "Assistant's Name", 40),
        picklist("LeadSource", "Lead Source", 255, "Web;Phone Inquiry;Partner Referral;Purchased List;Other"),
        plain("Birthdate", "Birthdate", "date"),
        text(
            "Description", "Contact Description", 32000, "textarea",
            extra_type="plaintextarea", is_filterable=False,
        ),
        _owner(),
        plain("HasOptedOutOfEmail", "Email Opt Out", "boolean", **_AUTO),
        plain("DoNotCall", "Do Not Call", "boolean", **_AUTO),
        *_stamps(),
        system("LastActivityDate", "Last Activity", "date"),
        system("LastCURequestDate", "Last Stay-in-Touch Request Date", "datetime"),
        system("LastCUUpdateDate", "Last Stay-in-Touch Save Date", "datetime"),
        system("LastViewedDate", "Last Viewed Date", "datetime"),
        system("LastReferencedDate", "Last Referenced Date", "datetime"),
        text("EmailBouncedReason", "Email Bounced Reason", 255, is_permissionable=False),
        plain("EmailBouncedDate", "Email Bounced Date", "datetime", is_permissionable=False),
        derived(
            "IsEmailBounced", "Is Email Bounced", "boolean", "(t.EmailBouncedDate IS NOT NULL)",
            is_permissionable=False, **_AUTO,
        ),
        derived(
            "PhotoUrl", "Photo URL", "url", "'/services/images/photo/' || t.Id",
            length=255, extra_type="imageurl", is_permissionable=False,
        ),
        text("Jigsaw", "Data.com Key", 20),
        system("JigsawContactId", "Jigsaw Contact ID", "string", length=20, relationship="JigsawContact"),
        picklist(
            "CleanStatus", "Clean Status", 40,
            "Matched;Different;Acknowledged;NotFound;Inactive;Pending;SelectMatch;Skipped",
            is_restricted=True,
        ),
        reference("IndividualId", "Individual ID", "Individual", "Individual", is_permissionable=False),
        *_CUSTOM,
    ),
    is_writable=True,
)  # fmt: skip

ACCOUNT = SObject(
    "Account",
    "Accounts",
    (
        _identity("Account ID"),
        _deleted(),
        _master("Account"),
        text("Name", "Account Name", 255, is_nillable=False, is_permissionable=False, is_name=True),
        picklist("Type", "Account Type", 40, "Prospect;Customer - Direct;Customer - Channel;Other"),
        reference("ParentId", "Parent Account ID", "Account", "Parent"),
        *fields.address_group("Billing"),
        phone("Phone", "Account Phone"),
        phone("Fax", "Account Fax"),
        text("AccountNumber", "Account Number", 40),
        text("Website", "Website", 255, "url"),
        picklist("Industry", "Industry", 40, "Agriculture;Banking;Education;Energy;Retail;Technology;Other"),
        number("AnnualRevenue", "Annual Revenue", "currency", 18, 0),
        Field(name="NumberOfEmployees", label="Employees", type="int", digits=8),
        text(
            "Description", "Account Description", 32000, "textarea",
            extra_type="plaintextarea", is_filterable=False,
        ),
        _owner(),
        *_stamps(),
    ),
    is_writable=True,
)  # fmt: skip

USER = SObject(
    "User",
    "Users",
    (
        _identity("User ID"),
        text("Username", "Username", 80, is_nillable=False),
        text("LastName", "Last Name", 80, is_nillable=False, **_PERSON),
        text("FirstName", "First Name", 40, **_PERSON),
        derived("Name", "Full Name", "string", _FULL_NAME, length=121, is_name=True, is_permissionable=False),
        text("Email", "Email", 128, "email", is_nillable=False),
        plain("IsActive", "Active", "boolean", **_AUTO),
        *_stamps(),
    ),
)

ORGANIZATION = SObject(
    "Organization",
    "Organizations",
    (
        _identity("Organization ID"),
        text("Name", "Name", 80, is_nillable=False, is_name=True),
        picklist("OrganizationType", "Edition", 40, "Enterprise Edition;Developer Edition"),
        text("InstanceName", "Instance Name", 5),
        plain("IsSandbox", "Is Sandbox", "boolean", **_AUTO),
        text("DefaultLocaleSidKey", "Locale", 40),
        text("TimeZoneSidKey", "Time Zone", 40),
        *_stamps(),
    ),
)

OBJECTS = {sobject.name: sobject for sobject in (CONTACT, ACCOUNT, USER, ORGANIZATION)}
_NAMES = {name.lower(): sobject for name, sobject in OBJECTS.items()}


def find(name: str) -> SObject | None:
    """Return the object of that API name, whatever its case."""
    return _NAMES.get(name.lower())
