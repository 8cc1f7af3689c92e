"""Is the Salesforce stand-in ever the bottleneck? Start, bulk results, memory, and calls per second.

The server runs as people run it, in a process of its own.
"""

from __future__ import annotations

import http.client as http_client
import json
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks import report
from benchmarks.report import Figure
from sandbox.salesforce.store import Store

DATA = "/services/data/v66.0"
SOQL = (
    "SELECT Id, FirstName, LastName, Email, Phone, MobilePhone, MailingCountry, Title, Department, Account.Name, "
    "CreatedDate, SystemModstamp, IsDeleted, Description FROM Contact"
)
_PATIENCE_SECONDS = 120


def main() -> int:
    """Measure and publish."""
    options = report.arguments("sandbox", __doc__, rows=1_000_000, what="contacts in the org").parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-sandbox-") as name:
        directory = Path(name)
        report.progress(f"making {options.rows:,} contacts")
        make(directory, options.rows)
        report.progress("starting the stand-ins")
        started = time.perf_counter()
        with served(directory) as (process, url):
            figures = [Figure(name="start_seconds", value=time.perf_counter() - started, unit="s", limit=5)]
            with client(directory, url) as http:
                figures += measure(http)
            figures.append(Figure(name="peak_mb", value=peak_mb(process.pid), unit="MB", limit=500))
    return report.publish("sandbox", {"rows": options.rows}, figures, is_json=options.json)


def make(directory: Path, rows: int) -> None:
    """Fill an org with contacts of ordinary width."""
    store = Store(directory / "salesforce.sqlite3")
    accounts = store.insert_accounts({"Name": f"Company {n}"} for n in range(max(rows // 100, 1)))
    store.insert_contacts(
        {
            "FirstName": f"Franziska {n}", "LastName": f"Lindström {n}", "Email": f"person.{n}@example.com",
            "Phone": f"+49 30 {n:07d}", "MobilePhone": f"+49 171 {n:07d}", "MailingCountry": "Germany",
            "Title": "Head of Things", "Department": "Sales", "AccountId": accounts[n % len(accounts)],
            "CreatedDate": 1_600_000_000 + n * 7919 % 100_000_000, "Description": "What there is to say. " * 5,
        }
        for n in range(rows)
    )  # fmt: skip
    store.close()


@contextmanager
def served(directory: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the stand-ins until the block ends; yield the process and Salesforce's address once both are ready."""
    command = [
        "-m",
        "sandbox",
        "serve",
        "--data",
        str(directory),
        "--salesforce-port",
        "0",
        "--respond-port",
        "0",
    ]
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        urls = [process.stdout.readline().split()[-1] for _ in range(2)]
        for url in urls:
            wait_for_health(url)
        yield process, urls[0]
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for_health(url: str, *, verify: ssl.SSLContext | bool = True) -> None:
    """Return as soon as a stand-in says that it is ready."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            httpx.get(f"{url}/_sandbox/health", verify=verify).raise_for_status()
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def client(directory: Path, url: str) -> httpx.Client:
    """Return a client that is logged in."""
    secrets = json.loads((directory / "credentials.json").read_text(encoding="utf-8"))
    form = {"grant_type": "client_credentials"}
    auth = (secrets["consumer_key"], secrets["consumer_secret"])
    token = httpx.post(f"{url}/services/oauth2/token", data=form, auth=auth).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    return httpx.Client(base_url=url, headers=headers, timeout=_PATIENCE_SECONDS)


def measure(http: httpx.Client) -> list[Figure]:
    """Measure everything that needs a running server."""
    return [*bulk(http), *rest(http), composite(http)]


def bulk(http: httpx.Client) -> list[Figure]:
    """Measure a bulk query: rendering, then reading the results in sets of a million rows at most."""
    report.progress("bulk query")
    began = time.perf_counter()
    body = {"operation": "queryAll", "query": SOQL}
    job = f"{DATA}/jobs/query/{http.post(f'{DATA}/jobs/query', json=body).json()['id']}"
    while (told := http.get(job).json())["state"] != "JobComplete":
        time.sleep(0.1)
    rendered = time.perf_counter() - began
    rate = max(download_rate(http, job) for _ in range(3))
    return [
        Figure(name="bulk_mb_per_second", value=rate, unit="MB/s", limit=300, is_more_better=True),
        Figure(
            name="bulk_render_rows_per_second", value=told["numberRecordsProcessed"] / rendered, unit="rows/s"
        ),
    ]


def download_rate(http: httpx.Client, job: str) -> float:
    """Read all results in sets of a million rows at most; return megabytes per second."""
    connection = http_client.HTTPConnection(http.base_url.host, http.base_url.port)
    headers = {name: http.headers[name] for name in ("Authorization", "Accept-Encoding")}
    # read into one buffer: it is the server that is measured, not the client
    buffer = bytearray(1 << 20)
    began, size, locator = time.perf_counter(), 0, ""
    while locator != "null":
        connection.request("GET", f"{job}/results?maxRecords=1000000&locator={locator}", headers=headers)
        answer = connection.getresponse()
        locator = str(answer.getheader("Sforce-Locator"))
        while count := answer.readinto(buffer):
            size += count
    connection.close()
    return size / 1e6 / (time.perf_counter() - began)


def rest(http: httpx.Client) -> list[Figure]:
    """Measure pages of a REST query."""
    report.progress("REST pages")
    page = http.get(f"{DATA}/queryAll", params={"q": SOQL}).json()
    began, rows = time.perf_counter(), 0
    while not page["done"] and rows < 40_000:
        page = http.get(page["nextRecordsUrl"]).json()
        rows += len(page["records"])
    return [Figure(name="rest_rows_per_second", value=rows / (time.perf_counter() - began), unit="rows/s")]


def composite(http: httpx.Client) -> Figure:
    """Measure what a sub-request costs: five milliseconds at least, as a vendor's would."""
    report.progress("composite")
    found = http.get(f"{DATA}/query", params={"q": "SELECT Id FROM Contact LIMIT 25"}).json()["records"]
    requests = [
        {
            "method": "PATCH",
            "url": record["attributes"]["url"],
            "referenceId": f"r{n}",
            "body": {"Title": "New"},
        }
        for n, record in enumerate(found)
    ]
    began = time.perf_counter()
    for _ in range(10):
        http.post(f"{DATA}/composite", json={"compositeRequest": requests}).raise_for_status()
    cost = (time.perf_counter() - began) * 1000 / (10 * len(requests))
    return Figure(name="composite_ms_per_subrequest", value=cost, unit="ms", limit=5, is_more_better=True)


def peak_mb(pid: int) -> float:
    """Return the most memory a process ever held, in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1000


if __name__ == "__main__":
    sys.exit(main())
