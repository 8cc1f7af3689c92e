"""Countries as people write them, and the ISO 3166-1 alpha-2 code that a phone number's rules hang on.

One line per country: alpha-2, alpha-3, then names in English and in its people's languages. A name that fits
two countries ("Congo") is left out: an unknown country costs a key, a wrong one makes a false key.
"""

from __future__ import annotations

import functools
import re
import unicodedata

_SAINT = re.compile(r"\bst\b\.?")

_COUNTRIES = """
AC ASC Ascension Island|Ascension
AD AND Andorra
AE ARE United Arab Emirates|UAE|Emirates|Emiratos Árabes Unidos|Dubai|Abu Dhabi|الإمارات العربية المتحدة
AE ARE الإمارات
AF AFG Afghanistan|افغانستان
AG ATG Antigua and Barbuda|Antigua
AI AIA Anguilla
AL ALB Albania|Shqipëria|Shqipëri
AM ARM Armenia|Hayastan|Հայաստան
AO AGO Angola
AQ ATA Antarctica
AR ARG Argentina|Argentine Republic|República Argentina|Argentinien|Argentine
AS ASM American Samoa
AT AUT Austria|Österreich|Oesterreich|Autriche
AU AUS Australia|Commonwealth of Australia|Australien
AW ABW Aruba
AX ALA Åland Islands|Aland|Åland|Ahvenanmaa
AZ AZE Azerbaijan|Azərbaycan
BA BIH Bosnia and Herzegovina|Bosnia|Bosnia-Herzegovina|Bosna i Hercegovina|Босна и Херцеговина|BiH
BB BRB Barbados
BD BGD Bangladesh|বাংলাদেশ
BE BEL Belgium|België|Belgie|Belgique|Belgien|Bélgica
BF BFA Burkina Faso|Burkina
BG BGR Bulgaria|България|Balgariya|Bulgarien
BH BHR Bahrain|البحرين
BI BDI Burundi
BJ BEN Benin|Bénin
BL BLM Saint Barthélemy|St Barts
BM BMU Bermuda
BN BRN Brunei|Brunei Darussalam
BO BOL Bolivia|Plurinational State of Bolivia|Bolivia, Plurinational State of
BQ BES Bonaire, Sint Eustatius and Saba|Caribbean Netherlands|Bonaire|Saba|Sint Eustatius
BR BRA Brazil|Brasil|Brésil|Brasilien|Federative Republic of Brazil
BS BHS Bahamas|Bahamas, The
BT BTN Bhutan|འབྲུག
BV BVT Bouvet Island
BW BWA Botswana
BY BLR Belarus|Беларусь|Белоруссия|Weißrussland
BZ BLZ Belize
CA CAN Canada|Kanada|Canadá
CC CCK Cocos (Keeling) Islands|Cocos Islands|Keeling Islands
CD COD Congo, The Democratic Republic of the|Democratic Republic of the Congo|DR Congo|DRC|Congo-Kinshasa
CF CAF Central African Republic|République centrafricaine
CG COG Republic of the Congo|Congo-Brazzaville|Congo, Republic of the
CH CHE Switzerland|Schweiz|Suisse|Svizzera|Svizra|Suiza|Swiss Confederation
CI CIV Côte d'Ivoire|Ivory Coast|Costa de Marfil
CK COK Cook Islands
CL CHL Chile
CM CMR Cameroon|Cameroun|Kamerun
CN CHN China|People's Republic of China|PRC|Mainland China|中国|中國|中华人民共和国|Chine
CO COL Colombia|Kolumbien|Colombie
CR CRI Costa Rica
CU CUB Cuba|Kuba
CV CPV Cabo Verde|Cape Verde
CW CUW Curaçao
CX CXR Christmas Island
CY CYP Cyprus|Κύπρος|Kıbrıs|Kypros|Zypern
CZ CZE Czech Republic|Czechia|Česko|Česká republika|Tschechien
DE DEU Germany|Deutschland|Alemania|Allemagne|Germania|Alemanha|Federal Republic of Germany
DE DEU Bundesrepublik Deutschland|BRD
DJ DJI Djibouti|جيبوتي
DK DNK Denmark|Danmark|Dänemark|Dinamarca
DM DMA Dominica
DO DOM Dominican Republic|República Dominicana|Rep. Dominicana
DZ DZA Algeria|Algérie|الجزائر
EC ECU Ecuador
EE EST Estonia|Eesti|Estland
EG EGY Egypt|مصر|Misr|Arab Republic of Egypt|Ägypten|Égypte
EH ESH Western Sahara|الصحراء الغربية
ER ERI Eritrea|ኤርትራ
ES ESP Spain|España|Espana|Spanien|Espagne|Espanya|Spagna|Espanha|Kingdom of Spain
ET ETH Ethiopia|ኢትዮጵያ
FI FIN Finland|Suomi|Finnland
FJ FJI Fiji
FK FLK Falkland Islands (Malvinas)|Falkland Islands|Islas Malvinas
FM FSM Micronesia|Federated States of Micronesia|Micronesia, Federated States of
FO FRO Faroe Islands|Føroyar|Faeroe Islands
FR FRA France|Frankreich|Francia|França|French Republic|République française
GA GAB Gabon
GB GBR United Kingdom|UK|Great Britain|Britain|England|Scotland|Wales|Northern Ireland|Reino Unido
GB GBR Royaume-Uni
GB GBR United Kingdom of Great Britain and Northern Ireland|Vereinigtes Königreich|Großbritannien
GB GBR Regno Unito
GD GRD Grenada
GE GEO Georgia|საქართველო|Sakartvelo|Georgien
GF GUF French Guiana|Guyane|Guyane française
GG GGY Guernsey
GH GHA Ghana
GI GIB Gibraltar
GL GRL Greenland|Kalaallit Nunaat|Grønland
GM GMB Gambia|Gambia, The
GN GIN Guinea|Guinée|Guinea-Conakry
GP GLP Guadeloupe
GQ GNQ Equatorial Guinea|Guinea Ecuatorial
GR GRC Greece|Hellas|Ελλάδα|Ελλάς|Ellada|EL|Griechenland|Hellenic Republic|Grecia|Grèce
GS SGS South Georgia and the South Sandwich Islands
GT GTM Guatemala
GU GUM Guam
GW GNB Guinea-Bissau
GY GUY Guyana
HK HKG Hong Kong|香港|Hongkong|Hong Kong SAR|Hong Kong SAR China|Hong Kong S.A.R.
HM HMD Heard Island and McDonald Islands
HN HND Honduras
HR HRV Croatia|Hrvatska|Kroatien|Croacia
HT HTI Haiti|Haïti|Ayiti
HU HUN Hungary|Magyarország|Ungarn|Hungría
ID IDN Indonesia|Republic of Indonesia|Indonesien
IE IRL Ireland|Éire|Republic of Ireland|Eire|Irland|Irlanda|Irlande
IL ISR Israel|ישראל|State of Israel
IM IMN Isle of Man
IN IND India|Bharat|भारत|Indien|Republic of India|Inde
IO IOT British Indian Ocean Territory|Diego Garcia
IQ IRQ Iraq|العراق
IR IRN Iran|Iran, Islamic Republic of|Islamic Republic of Iran|ایران
IS ISL Iceland|Ísland|Island|Islandia
IT ITA Italy|Italia|Italien|Italie|Itália|Italian Republic
JE JEY Jersey
JM JAM Jamaica
JO JOR Jordan|الأردن|Jordanien|Hashemite Kingdom of Jordan
JP JPN Japan|日本|日本国|Nippon|Nihon|にほん|Japón|Japon|Japão
KE KEN Kenya|Kenia
KG KGZ Kyrgyzstan|Кыргызстан|Киргизия|Kyrgyz Republic
KH KHM Cambodia|កម្ពុជា|Kampuchea
KI KIR Kiribati
KM COM Comoros|Comores|جزر القمر
KN KNA Saint Kitts and Nevis
KP PRK North Korea|Korea, Democratic People's Republic of|Democratic People's Republic of Korea|DPRK
KR KOR South Korea|Korea|Republic of Korea|Korea, Republic of|Korea, South|대한민국|한국|ROK|Corea del Sur
KR KOR Südkorea|韓國|韩国
KW KWT Kuwait|الكويت
KY CYM Cayman Islands
KZ KAZ Kazakhstan|Қазақстан|Казахстан
LA LAO Laos|Lao People's Democratic Republic|Lao PDR|ລາວ
LB LBN Lebanon|لبنان|Liban
LC LCA Saint Lucia
LI LIE Liechtenstein
LK LKA Sri Lanka|ශ්‍රී ලංකාව|இலங்கை
LR LBR Liberia
LS LSO Lesotho
LT LTU Lithuania|Lietuva|Litauen
LU LUX Luxembourg|Luxemburg|Lëtzebuerg
LV LVA Latvia|Latvija|Lettland
LY LBY Libya|ليبيا|Libyan Arab Jamahiriya
MA MAR Morocco|Maroc|المغرب|Marruecos|Marokko
MC MCO Monaco
MD MDA Moldova|Moldova, Republic of|Republic of Moldova|Republica Moldova
ME MNE Montenegro|Crna Gora|Црна Гора
MF MAF Saint Martin (French part)|Saint-Martin|Saint Martin
MG MDG Madagascar|Madagasikara
MH MHL Marshall Islands
MK MKD North Macedonia|Macedonia|Северна Македонија|Македонија|FYROM
MK MKD Macedonia, the former Yugoslav Republic of
ML MLI Mali
MM MMR Myanmar|Burma|မြန်မာ
MN MNG Mongolia|Монгол|Монгол улс
MO MAC Macao|Macau|澳門|澳门|Macau SAR China|Macao SAR China
MP MNP Northern Mariana Islands
MQ MTQ Martinique
MR MRT Mauritania|موريتانيا
MS MSR Montserrat
MT MLT Malta
MU MUS Mauritius|Maurice
MV MDV Maldives
MW MWI Malawi
MX MEX Mexico|México|Méjico|Mexiko|Mexique|Messico|Estados Unidos Mexicanos|United Mexican States
MY MYS Malaysia|马来西亚|馬來西亞
MZ MOZ Mozambique|Moçambique
NA NAM Namibia
NC NCL New Caledonia|Nouvelle-Calédonie
NE NER Niger
NF NFK Norfolk Island
NG NGA Nigeria|Federal Republic of Nigeria
NI NIC Nicaragua
NL NLD Netherlands|Nederland|Holland|Niederlande|Pays-Bas|Países Bajos|Kingdom of the Netherlands
NL NLD Paesi Bassi
NO NOR Norway|Norge|Noreg|Norwegen|Noruega
NP NPL Nepal|नेपाल
NR NRU Nauru
NU NIU Niue
NZ NZL New Zealand|Aotearoa|Neuseeland|Nueva Zelanda
OM OMN Oman|عمان|Sultanate of Oman
PA PAN Panama|Panamá
PE PER Peru|Perú|Republic of Peru
PF PYF French Polynesia|Polynésie française|Tahiti
PG PNG Papua New Guinea
PH PHL Philippines|Pilipinas|Filipinas|Republic of the Philippines|Philippinen
PK PAK Pakistan|پاکستان
PL POL Poland|Polska|Polen|Polonia|Pologne|Republic of Poland
PM SPM Saint Pierre and Miquelon|Saint-Pierre-et-Miquelon
PN PCN Pitcairn|Pitcairn Islands
PR PRI Puerto Rico
PS PSE Palestine|Palestine, State of|State of Palestine|Palestinian Territory, Occupied
PS PSE Palestinian Territories|فلسطين
PT PRT Portugal|Portuguese Republic
PW PLW Palau
PY PRY Paraguay
QA QAT Qatar|قطر
RE REU Réunion|La Réunion
RO ROU Romania|România|Rumänien|Roumanie|Rumania|ROM
RS SRB Serbia|Србија|Srbija|Serbien
RU RUS Russia|Russian Federation|Россия|Российская Федерация|РФ|Russland|Rusia|Rossiya
RW RWA Rwanda
SA SAU Saudi Arabia|KSA|Kingdom of Saudi Arabia|السعودية|المملكة العربية السعودية|Arabia Saudita
SA SAU Saudi-Arabien
SB SLB Solomon Islands
SC SYC Seychelles
SD SDN Sudan|السودان
SE SWE Sweden|Sverige|Schweden|Suecia|Suède|Kingdom of Sweden
SG SGP Singapore|Singapura|新加坡|சிங்கப்பூர்|Singapur
SH SHN Saint Helena|Saint Helena, Ascension and Tristan da Cunha
SI SVN Slovenia|Slovenija|Slowenien
SJ SJM Svalbard and Jan Mayen|Svalbard
SK SVK Slovakia|Slovensko|Slovak Republic|Slovenská republika|Slowakei
SL SLE Sierra Leone
SM SMR San Marino
SN SEN Senegal|Sénégal
SO SOM Somalia|Soomaaliya|الصومال
SR SUR Suriname|Surinam
SS SSD South Sudan
ST STP São Tomé and Príncipe|Sao Tome and Principe
SV SLV El Salvador
SX SXM Sint Maarten (Dutch part)|Sint Maarten
SY SYR Syria|Syrian Arab Republic|سوريا
SZ SWZ Eswatini|Swaziland|eSwatini
TA TAA Tristan da Cunha
TC TCA Turks and Caicos Islands|Turks and Caicos
TD TCD Chad|Tchad|تشاد
TF ATF French Southern Territories
TG TGO Togo
TH THA Thailand|ประเทศไทย|ไทย|Kingdom of Thailand|Prathet Thai|Tailandia
TJ TJK Tajikistan|Тоҷикистон
TK TKL Tokelau
TL TLS Timor-Leste|East Timor
TM TKM Turkmenistan|Türkmenistan
TN TUN Tunisia|Tunisie|تونس
TO TON Tonga
TR TUR Turkey|Türkiye|Turkiye|Republic of Turkey|Republic of Türkiye|Türkei|Turquía
TT TTO Trinidad and Tobago|Trinidad
TV TUV Tuvalu
TW TWN Taiwan|Taiwan, Province of China|台灣|臺灣|台湾|Republic of China|Taiwan, ROC
TZ TZA Tanzania|Tanzania, United Republic of|United Republic of Tanzania
UA UKR Ukraine|Україна|Украина|Ukraina
UG UGA Uganda
UM UMI United States Minor Outlying Islands
US USA United States|United States of America|America|U.S.A.|U.S.|US of A|Estados Unidos|EE. UU.|EUA
US USA États-Unis
US USA Vereinigte Staaten|Vereinigte Staaten von Amerika|Stati Uniti|Estados Unidos de América|美国|アメリカ
US USA アメリカ合衆国
UY URY Uruguay
UZ UZB Uzbekistan|Oʻzbekiston|O'zbekiston|Узбекистан
VA VAT Vatican City|Holy See|Holy See (Vatican City State)|Vatican|Città del Vaticano
VC VCT Saint Vincent and the Grenadines|Saint Vincent
VE VEN Venezuela|Venezuela, Bolivarian Republic of|Bolivarian Republic of Venezuela
VG VGB British Virgin Islands|Virgin Islands, British|BVI
VI VIR U.S. Virgin Islands|Virgin Islands, U.S.|US Virgin Islands|USVI
VN VNM Vietnam|Viet Nam|Việt Nam
VU VUT Vanuatu
WF WLF Wallis and Futuna
WS WSM Samoa|Western Samoa
XK XKX Kosovo|Kosova|Косово|XKS
YE YEM Yemen|اليمن
YT MYT Mayotte
ZA ZAF South Africa|RSA|Suid-Afrika|Republic of South Africa|Südafrika|Sudáfrica
ZM ZMB Zambia
ZW ZWE Zimbabwe
"""


def fold(name: str) -> str:
    """Return ``name`` without case, accents, punctuation, spaces and leading "the"; "St." is "Saint"."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)).casefold()
    spelled = _SAINT.sub("saint", plain).replace("&", " and ")
    return "".join(c for c in spelled if c.isalnum()).removeprefix("the")


@functools.cache
def codes_by_name() -> dict[str, str]:
    """Return the alpha-2 code of every folded code and name. One name for two countries raises ValueError."""
    codes: dict[str, str] = {}
    for line in _COUNTRIES.strip().splitlines():
        code, alpha3, names = line.split(" ", 2)
        for name in (code, alpha3, *names.split("|")):
            if codes.setdefault(fold(name), code) != code:
                raise ValueError(f"the country name {name!r} stands for two countries")
    return codes
