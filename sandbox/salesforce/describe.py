"""Describe: what a user may know of an object and its fields.

Imitates "sObject Describe" (REST API Developer Guide): all attributes of every field, and only the fields that the
user may read; ``createable`` and ``updateable`` tell what the user may write.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from sandbox.salesforce import compiled, errors, objects
from sandbox.salesforce.exchange import Answer, Call, api
from sandbox.salesforce.fields import NUMBERS, Field
from sandbox.salesforce.objects import SObject

#: When this org's fields last changed: a date in the past, so that If-Modified-Since can be answered.
METADATA_CHANGED_AT = int(datetime(2026, 1, 5, 8, 0, tzinfo=UTC).timestamp())

_SOAP_TYPES = {
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "double": "xsd:double", "int": "xsd:int",
    "currency": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime", "address": "urn:address",
}  # fmt: skip
_NEVER = (
    "aiPredictionField", "autoNumber", "cascadeDelete", "caseSensitive", "dependentPicklist", "deprecatedAndHidden",
    "displayLocationInDecimal", "encrypted", "formulaTreatNullNumberAsZero", "highScaleNumber", "htmlFormatted",
    "namePointing", "polymorphicForeignKey", "restrictedDelete", "writeRequiresMasterRead",
)  # fmt: skip
_UNSET = (
    "controllerName", "defaultValueFormula", "filteredLookupInfo", "inlineHelpText", "mask", "maskType",
    "referenceTargetField", "relationshipOrder",
)  # fmt: skip


@api.add("GET", "/sobjects/{object}/describe")
def describe(call: Call) -> Answer:
    """Imitates "sObject Describe", 304 included."""
    sobject = compiled.find_object(call.arguments["object"])
    if _is_unchanged(call):
        return Answer(304)
    return Answer(200, described(call, sobject), {"Last-Modified": _http_date(_changed_at(call))})


@api.add("GET", "/sobjects/{object}")
def basic(call: Call) -> Answer:
    """Imitates "sObject Basic Information"."""
    sobject = compiled.find_object(call.arguments["object"])
    return Answer(200, {"objectDescribe": _summary(call, sobject), "recentItems": []})


@api.add("GET", "/sobjects")
def describe_global(call: Call) -> Answer:
    """Imitates "Describe Global"."""
    summaries = [_summary(call, sobject) for sobject in objects.OBJECTS.values()]
    return Answer(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": summaries})


def described(call: Call, sobject: SObject) -> dict[str, Any]:
    """Return an object's full describe as the calling user gets it."""
    visibility = call.org.visibility(call.user_id)
    seen = [field for field in sobject.fields if visibility.sees(sobject, field)]
    full = {
        "actionOverrides": [],
        "childRelationships": _children(sobject),
        "compactLayoutable": True,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [_field(call, sobject, field) for field in seen],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [_master_record_type(call, sobject)],
        "searchLayoutable": True,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [
            {"label": f"All {sobject.plural.lower()}", "name": "everything"},
            {"label": f"My {sobject.plural.lower()}", "name": "mine"},
        ],
    }
    return dict(sorted((_summary(call, sobject) | full).items()))


def _summary(call: Call, sobject: SObject) -> dict[str, Any]:
    name, can_write = sobject.name, sobject.is_writable
    flags = dict.fromkeys(
        ("createable", "deletable", "mergeable", "mruEnabled", "undeletable", "updateable", "triggerable"),
        can_write,
    )
    off = ("activateable", "custom", "customSetting", "deepCloneable", "deprecatedAndHidden", "hasSubtypes")
    on = ("feedEnabled", "layoutable", "queryable", "replicateable", "retrieveable", "searchable")
    url = call.data_url(f"/sobjects/{name}")
    return {
        **flags,
        **dict.fromkeys((*off, "isInterface", "isSubtype"), False),
        **dict.fromkeys(on, True),
        "associateEntityType": None,
        "associateParentEntity": None,
        "keyPrefix": sobject.prefix,
        "label": name,
        "labelPlural": sobject.plural,
        "name": name,
        "urls": {"sobject": url, "describe": f"{url}/describe", "rowTemplate": f"{url}/{{ID}}"},
    }


def _field(call: Call, sobject: SObject, field: Field) -> dict[str, Any]:
    can_edit = call.org.access(call.user_id, sobject, field) == "edit"
    is_text = field.type in ("string", "textarea", "email", "phone", "url", "picklist", "multipicklist")
    is_moment = field.type in ("datetime", "address", "double", "currency")
    attributes = {
        **dict.fromkeys(_NEVER, False),
        **dict.fromkeys(_UNSET),
        "aggregatable": field.is_filterable and field.type not in ("boolean", "address"),
        "byteLength": field.length * 3 if is_text else field.length,
        "calculated": field.is_computed,
        "calculatedFormula": field.formula,
        "compoundFieldName": field.compound,
        "createable": field.is_createable and can_edit,
        "custom": field.is_custom,
        "defaultValue": False if field.type == "boolean" else None,
        "defaultedOnCreate": field.is_defaulted,
        "digits": field.digits,
        "externalId": field.is_external_id,
        "extraTypeInfo": field.extra_type,
        "filterable": field.is_filterable,
        "groupable": field.is_filterable and not is_moment,
        "idLookup": field.is_id_lookup,
        "label": field.label,
        "length": field.length,
        "name": field.name,
        "nameField": field.is_name,
        "nillable": field.is_nillable,
        "permissionable": field.is_permissionable,
        "picklistValues": [_choice(value) for value in field.picklist],
        "precision": field.precision if field.type in NUMBERS or field.type == "multipicklist" else 0,
        "queryByDistance": field.type == "address",
        "referenceTo": list(field.refers_to),
        "relationshipName": field.relationship,
        "restrictedPicklist": field.is_restricted,
        "scale": field.scale,
        "searchPrefilterable": field.type == "reference"
        and field.is_createable
        and "User" not in field.refers_to,
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": field.is_filterable and field.type not in ("address", "multipicklist"),
        "type": field.type,
        "unique": False,
        "updateable": field.is_updateable and can_edit,
    }
    return dict(sorted(attributes.items()))


def _choice(value: str) -> dict[str, Any]:
    return {"active": True, "defaultValue": False, "label": value, "validFor": None, "value": value}


def _children(sobject: SObject) -> list[dict[str, Any]]:
    plurals = {"AccountId": "Contacts", "ParentId": "ChildAccounts"}
    return [
        {
            "cascadeDelete": False, "childSObject": child.name, "deprecatedAndHidden": False, "field": field.name,
            "junctionIdListNames": [], "junctionReferenceTo": [], "relationshipName": plurals.get(field.name),
            "restrictedDelete": False,
        }
        for child in objects.OBJECTS.values()
        for field in child.fields
        if sobject.name in field.refers_to
    ]  # fmt: skip


def _master_record_type(call: Call, sobject: SObject) -> dict[str, Any]:
    record_type_id = "012000000000000AAA"
    layout = call.data_url(f"/sobjects/{sobject.name}/describe/layouts/{record_type_id}")
    return {
        "active": True, "available": True, "defaultRecordTypeMapping": True, "developerName": "Master",
        "master": True, "name": "Master", "recordTypeId": record_type_id, "urls": {"layout": layout},
    }  # fmt: skip


def _changed_at(call: Call) -> int:
    if not call.org.switch("describe_notices_permissions"):
        return METADATA_CHANGED_AT
    return int(call.org.store.setting("permissions_changed_at", METADATA_CHANGED_AT))


def _is_unchanged(call: Call) -> bool:
    given = call.headers.get("if-modified-since")
    if given is None:
        return False
    try:
        return parsedate_to_datetime(given).timestamp() >= _changed_at(call)
    except ValueError as exc:
        raise errors.bad_request("INVALID_HEADER", "If-Modified-Since is not an HTTP date") from exc


def _http_date(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
