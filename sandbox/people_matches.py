"""People who must be matched although each side spells them differently (see ``people_case``)."""

from __future__ import annotations

from sandbox.people_case import match

EMAIL_SPELLINGS = (
    match("email_stray_spaces", 10, {"Email": "  {Mail} "}, {"email": "{mail}"}),
    match("email_upper_case", 8, {"Email": "{MAIL}"}, {"email": "{mail}"}),
    match("email_space_at_respond", 4, {"Email": "{mail}"}, {"email": "{mail} "}),
    match("email_zero_width", 4, {"Email": "\u200b{mail}\ufeff"}, {"email": "{mail}"}),
    match("email_no_break_space", 3, {"Email": "{mail}\u00a0"}, {"email": "{mail}"}),
    match("email_mailto", 4, {"Email": "mailto:{mail}"}, {"email": "{mail}"}),
    match("email_angle_brackets", 3, {"Email": "<{Mail}>"}, {"email": "{mail}"}),
    match("email_with_name", 3, {"Email": "{name} <{mail}>"}, {"email": "{mail}"}),
    match("email_final_dot", 2, {"Email": "{mail}."}, {"email": "{mail}"}),
    match("email_full_width", 2, {"Email": "{user}＠example.com"}, {"email": "{user}@example.com"}),
    match(
        "email_domain_umlaut",
        2,
        {"Email": "{user}@bücher.example"},
        {"email": "{user}@xn--bcher-kva.example"},
    ),
    match(
        "email_domain_munich",
        1,
        {"Email": "{user}@xn--mnchen-3ya.example"},
        {"email": "{user}@MÜNCHEN.example"},
    ),
    match("email_domain_kana", 1, {"Email": "{user}@例え.example"}, {"email": "{user}@xn--r8jz45g.example"}),
)

PHONE_SPELLINGS = (
    match(
        "phone_mexico_one",
        4,
        {"MobilePhone": "33 1{a} {b}", "MailingCountry": "Mexico"},
        {"phone": "+521331{a}{b}", "countryCode": "MX"},
    ),
    match(
        "phone_mexico_one_in_salesforce",
        2,
        {"MobilePhone": "+52 1 33 5{a} {b}"},
        {"phone": "+52335{a}{b}", "countryCode": "MX"},
    ),
    match(
        "phone_argentina_fifteen",
        4,
        {"MobilePhone": "011 15-5{a}-{b}", "MailingCountry": "Argentina"},
        {"phone": "+549115{a}{b}", "countryCode": "AR"},
    ),
    match("phone_argentina_without_nine", 2, {"Phone": "+54 11 6{a} {b}"}, {"phone": "+549116{a}{b}"}),
    match("phone_argentina_landline", 2, {"Phone": "+54 (11) 7{a}-{b}"}, {"phone": "+54117{a}{b}"}),
    match(
        "phone_brazil_old_mobile_at_respond",
        4,
        {"MobilePhone": "(31) 98{a}-{b}", "MailingCountry": "Brazil"},
        {"phone": "+55318{a}{b}", "countryCode": "BR"},
    ),
    match(
        "phone_brazil_old_mobile_in_salesforce",
        2,
        {"MobilePhone": "+55 31 9{a}-{b}"},
        {"phone": "+553199{a}{b}"},
    ),
    match("phone_brazil_landline", 2, {"Phone": "+55 31 3{a}-{b}"}, {"phone": "+55313{a}{b}"}),
    match(
        "phone_italy_keeps_zero",
        2,
        {"Phone": "02 5{a}{b}", "MailingCountry": "Italy"},
        {"phone": "+39025{a}{b}"},
    ),
    match("phone_extension", 3, {"Phone": "+1 (702) {a}-{b} ext. 42"}, {"phone": "+1702{a}{b}"}),
    match(
        "phone_extension_x",
        2,
        {"Phone": "(801) {a}-{b} x7", "MailingCountry": "United States"},
        {"phone": "+1801{a}{b}"},
    ),
    match(
        "phone_double_zero",
        3,
        {"Phone": "0049 160 {a}{b}", "MailingCountry": "Germany"},
        {"phone": "+49160{a}{b}"},
    ),
    match("phone_trunk_in_brackets", 3, {"Phone": "+44 (0)117 {a} {b}"}, {"phone": "+44117{a}{b}"}),
    match("phone_uri", 2, {"Phone": "tel:+1-907-{a}-{b}"}, {"phone": "+1907{a}{b}"}),
    match(
        "phone_arabic_digits",
        2,
        {"MobilePhone": "٠٥٢ {a_arabic} {b_arabic}", "MailingCountry": "United Arab Emirates"},
        {"phone": "+97152{a}{b}", "countryCode": "AE"},
    ),
    match(
        "phone_full_width_digits",
        2,
        {"MobilePhone": "０７０－５{a_wide}－{b_wide}", "MailingCountry": "Japan"},
        {"phone": "+81705{a}{b}", "countryCode": "JP"},
    ),
    match("phone_zero_width", 2, {"Phone": "\u202a+34 8{a} 1{b}\u202c"}, {"phone": "+348{a}1{b}"}),
    match(
        "phone_national_on_both_sides",
        4,
        {"Phone": "083 {a} {b}", "MailingCountry": "South Africa"},
        {"phone": "083{a}{b}", "countryCode": "ZA"},
    ),
    match(
        "phone_country_decides",
        2,
        (
            {"Phone": "020 {a} {b}", "MailingCountry": "Netherlands"},
            {"Phone": "020 8{a} {b}", "MailingCountry": "United Kingdom"},
        ),
        {"phone": "+3120{a}{b}"},
    ),
    match("phone_in_home_phone", 3, {"HomePhone": "+61 3 9{a} {b}"}, {"phone": "+6139{a}{b}"}),
    match("phone_in_other_phone", 3, {"OtherPhone": "+41 76 {a} {b}"}, {"phone": "+4176{a}{b}"}),
)

SEVERAL_RECORDS = (
    match(
        "merged_loser_known_to_respond",
        6,
        ({"Email": "{mail}"}, {"Email": "{mail2}", "IsDeleted": True, "master": 0}),
        {"email": "{mail2}"},
    ),
    match(
        "merged_twice",
        2,
        (
            {"Email": "{mail}"},
            {"Email": None, "IsDeleted": True, "master": 0},
            {"Email": "{mail2}", "IsDeleted": True, "master": 1},
        ),
        {"email": "{mail2}"},
    ),
    match(
        "deleted_and_made_again",
        4,
        ({"Email": "{mail}", "IsDeleted": True}, {"Email": "{Mail}"}),
        {"email": "{mail}"},
        row=1,
    ),
    match(
        "household_phone_own_email",
        8,
        (
            {"Email": "{mail}", "HomePhone": "+1 205 {a} {b}"},
            {"Email": "{mail2}", "HomePhone": "(205) {a}-{b}", "MailingCountry": "USA"},
        ),
        {"email": "{mail}", "phone": "+1205{a}{b}"},
    ),
    match(
        "family_email_own_phone",
        5,
        (
            {"Email": "{mail}", "MobilePhone": "+1 206 {a} {b}"},
            {"Email": "{Mail}", "MobilePhone": "+1 206 {c} {d}"},
        ),
        {"email": "{mail}", "phone": "+1206{c}{d}"},
        row=1,
    ),
    match(
        "switchboard_own_email",
        1,
        tuple({"Email": "p{i}.{mail}", "Phone": "+1 207 {a} {b}"} for _ in range(7)),
        {"email": "p3.{mail}", "phone": "+1207{a}{b}"},
        row=3,
    ),
    match("two_respond_contacts", 8, {"Email": "{Mail}"}, ({"email": "{mail}"}, {"email": "{MAIL}"})),
    match(
        "placeholder_email_real_phone",
        3,
        {"Email": "noemail@noemail.com", "Phone": "+1 208 {a} {b}"},
        {"email": "noemail@noemail.com", "phone": "+1208{a}{b}"},
    ),
    match(
        "broken_phone_real_email",
        3,
        {"Email": "{mail}", "Phone": "call the office"},
        {"email": "{mail}", "phone": "unknown"},
    ),
)

MATCHES = (*EMAIL_SPELLINGS, *PHONE_SPELLINGS, *SEVERAL_RECORDS)
