"""What a field of an object is: its describe attributes, its column and its limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

FieldType = Literal[
    "id", "string", "boolean", "double", "currency", "int", "date", "datetime", "email", "phone", "url",
    "picklist", "multipicklist", "textarea", "reference", "address",
]  # fmt: skip

NUMBERS = ("double", "currency", "int")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field; ``expression`` (SQL over alias ``t``) replaces the column where the value is derived."""

    name: str
    label: str
    type: FieldType
    length: int = 0
    is_nillable: bool = True
    is_createable: bool = True
    is_updateable: bool = True
    is_permissionable: bool = True
    is_defaulted: bool = False
    is_filterable: bool = True
    is_id_lookup: bool = False
    is_external_id: bool = False
    is_restricted: bool = False
    is_name: bool = False
    precision: int = 0
    scale: int = 0
    digits: int = 0
    compound: str | None = None
    extra_type: str | None = None
    refers_to: tuple[str, ...] = ()
    relationship: str | None = None
    picklist: tuple[str, ...] = ()
    formula: str | None = None
    expression: str | None = None

    @property
    def is_custom(self) -> bool:
        """Custom fields end in ``__c``."""
        return self.name.endswith("__c")

    @property
    def is_stored(self) -> bool:
        """Whether the object's table has a column of this name."""
        return self.expression is None

    @property
    def is_computed(self) -> bool:
        """Whether Salesforce works the value out by a formula."""
        return self.formula is not None

    @property
    def column_type(self) -> str:
        """The SQLite affinity of the stored value: epoch seconds for datetimes, 0/1 for booleans."""
        if self.type in ("boolean", "datetime", "int"):
            return "INTEGER"
        return "REAL" if self.type in NUMBERS else "TEXT"


def text(name: str, label: str, length: int, type: FieldType = "string", **more: Any) -> Field:
    """A plain text field that people may write."""
    return _with(Field(name=name, label=label, type=type, length=length), more)


def phone(name: str, label: str) -> Field:
    """A phone field, 40 characters as everywhere in Salesforce."""
    return Field(name=name, label=label, type="phone", length=40)


def picklist(name: str, label: str, length: int, values: str, **more: Any) -> Field:
    """A picklist; ``values`` are separated by ``;``."""
    return _with(
        Field(name=name, label=label, type="picklist", length=length, picklist=_values(values)), more
    )


def reference(name: str, label: str, to: str, relationship: str | None, **more: Any) -> Field:
    """A reference to a record of object ``to``, reachable in queries as ``relationship``."""
    field = Field(
        name=name, label=label, type="reference", length=18, refers_to=(to,), relationship=relationship
    )
    return _with(field, more)


def system(name: str, label: str, type: FieldType, **more: Any) -> Field:
    """A field that Salesforce keeps itself: neither createable nor updateable, nobody's permission."""
    field = Field(
        name=name, label=label, type=type, is_createable=False, is_updateable=False, is_permissionable=False
    )
    return _with(field, more)


def number(name: str, label: str, type: FieldType, precision: int, scale: int) -> Field:
    """A number of ``precision`` digits, ``scale`` of them after the point."""
    return Field(name=name, label=label, type=type, precision=precision, scale=scale)


def plain(name: str, label: str, type: FieldType, **more: Any) -> Field:
    """A writable field without a length: boolean, date, datetime."""
    return _with(Field(name=name, label=label, type=type), more)


def derived(name: str, label: str, type: FieldType, expression: str, **more: Any) -> Field:
    """A field with no column of its own, read-only."""
    field = Field(
        name=name, label=label, type=type, expression=expression, is_createable=False, is_updateable=False
    )
    return _with(field, more)


def address_group(group: str) -> tuple[Field, ...]:
    """The ten fields of one compound address, such as ``Mailing``."""
    prefix, whole = group, f"{group}Address"
    plain_text: dict[str, Any] = {"compound": whole}
    return (
        text(f"{prefix}Street", f"{group} Street", 255, "textarea", extra_type="plaintextarea", **plain_text),
        text(f"{prefix}City", f"{group} City", 40, **plain_text),
        text(f"{prefix}State", f"{group} State/Province", 80, **plain_text),
        text(f"{prefix}PostalCode", f"{group} Zip/Postal Code", 20, **plain_text),
        text(f"{prefix}Country", f"{group} Country", 80, **plain_text),
        replace(number(f"{prefix}Latitude", f"{group} Latitude", "double", 18, 15), compound=whole),
        replace(number(f"{prefix}Longitude", f"{group} Longitude", "double", 18, 15), compound=whole),
        picklist(
            f"{prefix}GeocodeAccuracy", f"{group} Geocode Accuracy", 40, GEOCODE_ACCURACY,
            is_restricted=True, compound=whole,
        ),
        derived(whole, f"{group} Address", "address", _address_expression(prefix)),
    )  # fmt: skip


GEOCODE_ACCURACY = "Address;NearAddress;Block;Street;ExtendedZip;Zip;Neighborhood;City;County;State;Unknown"


_ADDRESS_PARTS = (
    "City",
    "Country",
    "GeocodeAccuracy",
    "Latitude",
    "Longitude",
    "PostalCode",
    "State",
    "Street",
)


def _address_expression(prefix: str) -> str:
    pairs = ", ".join(f"'{part[0].lower()}{part[1:]}', t.{prefix}{part}" for part in _ADDRESS_PARTS)
    given = ", ".join(f"t.{prefix}{part}" for part in _ADDRESS_PARTS)
    return f"CASE WHEN coalesce({given}) IS NOT NULL THEN json_object({pairs}) END"


def _values(values: str) -> tuple[str, ...]:
    return tuple(values.split(";"))


def _with(field: Field, more: dict[str, Any]) -> Field:
    return replace(field, **more)
