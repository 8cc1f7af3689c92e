"""Names in several scripts, each with the ASCII spelling its owner uses in an e-mail address.

Written ``native|ascii``; a name without ``|`` is spelled alike. No name here belongs to anybody in particular.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Name:
    """A given or family name: as written, and in ASCII lower case."""

    native: str
    ascii: str


@dataclass(frozen=True, slots=True)
class Language:
    """People who write their names alike, and the countries they live in, with weights."""

    given: tuple[Name, ...]
    family: tuple[Name, ...]
    countries: tuple[str, ...]
    weight: int


def _names(text: str) -> tuple[Name, ...]:
    names = []
    for word in text.split(","):
        native, _, plain = word.strip().partition("|")
        names.append(Name(native, (plain or native).lower().replace(" ", "").replace("'", "")))
    return tuple(names)


def _language(given: str, family: str, countries: str, weight: int) -> Language:
    return Language(_names(given), _names(family), tuple(countries.split()), weight)


ENGLISH = _language(
    "James, Olivia, Noah, Emma, Liam, Ava, Mason, Sophia, Ethan, Grace, Harper, Owen, Chloe, Dylan, Zoe, Caleb",
    "Smith, Johnson, Brown, Taylor, O'Neill, Walker, McGregor, Clarke, Hughes, Bennett, Foster, Reid, Shaw, Whitaker",
    "US US US GB GB CA AU",
    22,
)
GERMAN = _language(
    "Jürgen|juergen, Anneliese, Björn|bjoern, Käthe|kaethe, Lukas, Sofie, Jörg|joerg, Greta, Felix, Mia",
    "Müller|mueller, Schröder|schroeder, Weiß|weiss, Größer|groesser, Köhler|koehler, Fuchs, Vogel, Krüger|krueger",
    "DE",
    8,
)
FRENCH = _language(
    "Zoé|zoe, François|francois, Chloé|chloe, Noël|noel, Hélène|helene, Maëlle|maelle, Étienne|etienne, Léa|lea",
    "Lefèvre|lefevre, Bénard|benard, Gauthier, D'Aubigny, Côté|cote, Morel, Garçon|garcon, Rousseau",
    "FR FR CA",
    7,
)
IBERIAN = _language(
    "José|jose, María|maria, Íñigo|inigo, Lucía|lucia, Andrés|andres, Inés|ines, Joaquín|joaquin, Belén|belen",
    "Muñoz|munoz, García|garcia, Núñez|nunez, Peña|pena, Fernández|fernandez, Ibáñez|ibanez, López|lopez, Vega",
    "ES MX MX AR",
    9,
)
PORTUGUESE = _language(
    "João|joao, Conceição|conceicao, Antônio|antonio, Luísa|luisa, Thiago, Bárbara|barbara, César|cesar, Inês|ines",
    "Gonçalves|goncalves, Araújo|araujo, Simões|simoes, Conceição|conceicao, Magalhães|magalhaes, Sousa, Falcão|falcao",
    "BR",
    8,
)
ITALIAN = _language(
    "Niccolò|niccolo, Giulia, Matteo, Aurora, Lorenzo, Noemi, Desirée|desiree, Tommaso",
    "D'Angelo, Rossi, Esposito, Ferrari, Marchetti, De Luca, Galli, Conti",
    "IT",
    4,
)
NORTHERN = _language(
    "Søren|soren, Åsa|asa, Łukasz|lukasz, Małgorzata|malgorzata, Jiří|jiri, Šárka|sarka, Þór|thor, Björk|bjork",
    "Nordström|nordstrom, Wójcik|wojcik, Dvořák|dvorak, Ångström|angstrom, Kowalski, Żak|zak, Lindqvist, Novák|novak",
    "SE PL CZ NL",
    6,
)
TURKISH = _language(
    "İbrahim|ibrahim, Şule|sule, Çağla|cagla, Işıl|isil, Oğuz|oguz, Gül|gul",
    "Yılmaz|yilmaz, Öztürk|ozturk, Çelik|celik, Şahin|sahin, Doğan|dogan, Aydın|aydin",
    "TR",
    3,
)
GREEK = _language(
    "Γιώργος|giorgos, Ελένη|eleni, Νίκος|nikos, Σοφία|sofia, Δημήτρης|dimitris, Αλέξανδρος|alexandros",
    "Παπαδόπουλος|papadopoulos, Νικολάου|nikolaou, Οικονόμου|oikonomou, Βλάχος|vlachos, Ιωάννου|ioannou",
    "GR",
    3,
)
CYRILLIC = _language(
    "Олена|olena, Андрій|andrii, Дмитро|dmytro, Наталія|nataliia, Юлія|yuliia, Богдан|bohdan, Тарас|taras",
    "Шевченко|shevchenko, Ковальчук|kovalchuk, Бондаренко|bondarenko, Мельник|melnyk, Ткаченко|tkachenko",
    "UA",
    3,
)
ARABIC = _language(
    "فاطمة|fatima, محمد|mohammed, عائشة|aisha, خالد|khalid, ليلى|layla, يوسف|youssef, نور|nour",
    "الحسن|alhassan, العلي|alali, منصور|mansour, الخطيب|alkhatib, حداد|haddad, السيد|elsayed",
    "AE SA EG",
    5,
)
HEBREW = _language(
    "נועה|noa, יוסף|yosef, תמר|tamar, אריאל|ariel, שירה|shira, דוד|david",
    "כהן|cohen, לוי|levi, מזרחי|mizrahi, פרידמן|friedman, ברק|barak",
    "IL",
    3,
)
INDIAN = _language(
    "प्रिया|priya, अर्जुन|arjun, लक्ष्मी|lakshmi, राहुल|rahul, Ananya, Vikram, Sunita, தமிழ்|tamil",
    "शर्मा|sharma, पटेल|patel, Iyer, Chatterjee, सिंह|singh, Reddy, गुप्ता|gupta",
    "IN",
    6,
)
THAI = _language(
    "สมชาย|somchai, มาลี|malee, ณัฐพล|nattapon, สุดา|suda, กมล|kamon",
    "ศรีสุข|srisuk, ใจดี|jaidee, วงศ์ไทย|wongthai, ทองคำ|thongkham",
    "TH",
    3,
)
CHINESE = _language(
    "伟|wei, 芳|fang, 秀英|xiuying, 磊|lei, 静|jing, 建国|jianguo, 雨桐|yutong",
    "王|wang, 李|li, 张|zhang, 刘|liu, 陈|chen, 欧阳|ouyang, 赵|zhao",
    "CN CN TW HK SG",
    6,
)
JAPANESE = _language(
    "さくら|sakura, 太郎|taro, ハルカ|haruka, 健一|kenichi, 陽菜|hina, 翔|sho",
    "佐藤|sato, 鈴木|suzuki, 髙橋|takahashi, 田中|tanaka, 渡邉|watanabe, 小林|kobayashi",
    "JP",
    4,
)
KOREAN = _language(
    "민준|minjun, 서연|seoyeon, 지우|jiwoo, 하은|haeun, 도윤|doyun",
    "김|kim, 이|lee, 박|park, 최|choi, 정|jung, 남궁|namgung",
    "KR",
    3,
)
MALAY = _language(
    "Siti, Ahmad, Nurul, Farid, Mei Ling, Thandiwe, Sipho, Aisyah",
    "binti Rahman, Tan, Abdullah, Ismail, Nkosi, van der Merwe, Lim",
    "MY MY ZA",
    5,
)

LANGUAGES = (
    ENGLISH, GERMAN, FRENCH, IBERIAN, PORTUGUESE, ITALIAN, NORTHERN, TURKISH, GREEK, CYRILLIC,
    ARABIC, HEBREW, INDIAN, THAI, CHINESE, JAPANESE, KOREAN, MALAY,
)  # fmt: skip

TITLES = (
    "Account Executive", "Buyer", "CFO", "Customer Success Lead", "Data Analyst", "Director", "Engineer",
    "Founder", "Head of Operations", "HR Partner", "Nurse", "Office Manager", "Owner", "Principal", "Sales Rep",
)  # fmt: skip
DEPARTMENTS = ("Finance", "Operations", "Purchasing", "Sales", "Marketing", "IT", "Support", "Logistics")
SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
INTERESTS = ("Music", "Sports", "Travel", "Food", "Books")
SALUTATIONS = ("Mr.", "Ms.", "Mrs.", "Dr.", "Prof.")
CITIES = ("Springfield", "Neustadt", "Villanueva", "Porto Novo", "Northport", "Kita", "Eastvale")
ACCOUNT_WORDS = (
    ("Blue", "Northern", "Golden", "Harbour", "Silver", "United", "Pacific", "Alpine", "Sunrise", "Old Town"),
    ("Bakery", "Logistics", "Clinics", "Motors", "Textiles", "Hotels", "Solar", "Books", "Foods", "Tools"),
    ("Ltd", "GmbH", "Inc", "S.A.", "Oy", "Pty", "SpA", "Co"),
)
NOTES = (
    "Prefers to be called in the afternoon.",
    'Asked for the "blue" brochure, twice.',
    "Line one\nLine two: allergic to cold calls",
    "Met at the fair 🎪; sends e-mails at night",
    "NA",
    "0123",
)
