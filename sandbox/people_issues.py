"""People whom nobody may match by guessing: ambiguous ones and unmatched ones (see ``people_case``)."""

from __future__ import annotations

from sandbox.people_case import ambiguous, unmatched

AMBIGUOUS = (
    ambiguous(
        "several_by_email",
        "duplicate_by_email",
        10,
        ({"Email": "{Mail}"}, {"Email": " {mail}"}),
        {"email": "{mail}"},
    ),
    ambiguous(
        "several_by_phone",
        "household_phone",
        10,
        ({"Phone": "+1 209 {a} {b}"}, {"HomePhone": "1-209-{a}-{b}", "MailingCountry": "US"}),
        {"phone": "+1209{a}{b}"},
    ),
    ambiguous(
        "several_by_phone",
        "office_phone_of_five",
        1,
        tuple({"Phone": "+1 210 {a} {b}"} for _ in range(5)),
        {"phone": "+1210{a}{b}"},
    ),
    ambiguous(
        "several_by_both",
        "duplicate_by_both",
        6,
        ({"Email": "{mail}", "Phone": "+1 213 {a} {b}"}, {"Email": "{MAIL}", "Phone": "+1 (213) {a}-{b}"}),
        {"email": "{mail}", "phone": "+1213{a}{b}"},
    ),
    ambiguous(
        "email_phone_disagree",
        "number_of_somebody_else",
        8,
        ({"Email": "{mail}", "Phone": "+1 214 {a} {b}"}, {"Email": "{mail2}", "Phone": "+1 214 {c} {d}"}),
        {"email": "{mail}", "phone": "+1214{c}{d}"},
    ),
)

UNMATCHED = (
    unmatched(
        "shared_key",
        "switchboard_only",
        1.5,
        tuple({"Email": "p{i}.{mail}", "Phone": "+1 215 {a} {b}"} for _ in range(7)),
        {"phone": "+1215{a}{b}"},
    ),
    unmatched(
        "shared_key",
        "team_mailbox_only",
        1,
        tuple({"Email": "Info.{mail}"} for _ in range(6)),
        {"email": "info.{mail}"},
    ),
    unmatched(
        "counterpart_deleted",
        "deleted_by_email",
        6,
        {"Email": "{mail}", "IsDeleted": True},
        {"email": "{mail}"},
    ),
    unmatched(
        "counterpart_deleted",
        "deleted_by_phone",
        2,
        {"Phone": "+1 216 {a} {b}", "IsDeleted": True},
        {"phone": "+1216{a}{b}"},
    ),
    unmatched("no_identifier", "name_only", 10, {"Email": None}, {}),
    unmatched(
        "invalid_identifier", "placeholder_email", 3, {"Email": "test@test.com"}, {"email": "test@test.com"}
    ),
    unmatched(
        "invalid_identifier", "placeholder_none", 2, {"Email": "none@none.com"}, {"email": "none@none.com"}
    ),
    unmatched("invalid_identifier", "placeholder_phone", 3, {"Phone": "0000000000"}, {"phone": "0000000000"}),
    unmatched(
        "invalid_identifier", "placeholder_words", 2, {"Email": "n/a", "Phone": "n/a"}, {"email": "n/a"}
    ),
    unmatched(
        "invalid_identifier",
        "email_without_at",
        2,
        {"Email": "{user}.example.com"},
        {"email": "{user}.example.com"},
    ),
    unmatched("invalid_identifier", "email_cut_off", 2, {"Email": "{user}@"}, {"email": "{user}@"}),
    unmatched(
        "invalid_identifier",
        "email_inner_space",
        2,
        {"Email": "{first}x {mail}"},
        {"email": "{first}x {mail}"},
    ),
    unmatched(
        "invalid_identifier",
        "several_emails_at_respond",
        2,
        {"Email": "{mail}"},
        {"email": "{mail}; {mail2}"},
    ),
    unmatched(
        "invalid_identifier",
        "phone_without_area_code",
        4,
        {"Phone": "{a}-{b}", "MailingCountry": "United States"},
        {"phone": "{a}{b}", "countryCode": "US"},
    ),
    unmatched(
        "invalid_identifier",
        "phone_without_country",
        3,
        {"Phone": "0118 {a} {b}", "MailingCountry": "United Kingdom"},
        {"phone": "0118 {a} {b}", "countryCode": None},
    ),
    unmatched(
        "no_counterpart", "several_emails_in_salesforce", 3, {"Email": "{mail}; {mail2}"}, {"email": "{mail}"}
    ),
    unmatched(
        "no_counterpart",
        "several_phones_in_salesforce",
        2,
        {"Phone": "+1 217 {a} {b} / +1 217 {c} {d}"},
        {"phone": "+1217{a}{b}"},
    ),
    unmatched(
        "no_counterpart",
        "plus_address",
        4,
        {"Email": "{user}+crm@example.com"},
        {"email": "{user}@example.com"},
    ),
    unmatched(
        "no_counterpart",
        "dots_left_out",
        3,
        {"Email": "{user}@example.com"},
        {"email": "{nodots}@example.com"},
    ),
    unmatched(
        "no_counterpart",
        "domain_mistyped",
        3,
        {"Email": "{user}@seaview.example"},
        {"email": "{user}@seaveiw.example"},
    ),
    unmatched(
        "no_counterpart", "area_code_mistyped", 3, {"Phone": "+1 218 {a} {b}"}, {"phone": "+1219{a}{b}"}
    ),
    unmatched(
        "no_counterpart",
        "brazil_landline_is_no_old_mobile",
        2,
        {"Phone": "+55 31 2{a}-{b}"},
        {"phone": "+553192{a}{b}"},
    ),
)

ISSUES = (*AMBIGUOUS, *UNMATCHED)
