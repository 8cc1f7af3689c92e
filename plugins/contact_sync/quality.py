"""The quality suites: what an org's contacts must look like before they are matched, judged by Great Expectations.

Only counts come here and only counts go out: one row of measures, an expectation on each. So nothing personal can
reach results or Data Docs, and a million contacts cost what ten do. Everything is measured against the last good
run; what a person approved is a good run, and so becomes the new measure.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Measures = Mapping[str, int]

#: Below so many rows or values a share says nothing.
FEW = 100
#: How much of an org may vanish between two good runs, and by what it may grow.
MAY_VANISH = 0.2
MAY_GROW = 2.0
MAY_GROW_BY = 10_000
#: By how much a share of empty or keyless values may rise between two good runs.
MAY_RISE = 0.1
#: What part of the values may have no key in the very first run: more, and a region is missing or the field is wrong.
FIRST_KEYLESS = 0.5

#: Counts of rows that must not rise above the last good run's: none, unless a person approved some.
_WRONG = {
    "repeated_ids": "Ids are unique, whatever the case of their letters",
    "malformed_ids": "Ids have eighteen characters and begin as a Contact's do",
    "future_stamps": "No time lies in the future",
    "malformed_keys": "Keys of Salesforce contacts have the shape of an e-mail or phone key",
    "respond_malformed_keys": "Keys of respond contacts have the shape of an e-mail or phone key",
}
#: Shares: what is counted, in what, and what it means.
_EMPTY = {
    "without_last_name": "Salesforce contacts without a last name",
    "without_email": "Salesforce contacts without an e-mail",
    "without_phone": "Salesforce contacts without any phone",
}
_KEYLESS = {
    "email": "E-mails of Salesforce contacts without a key",
    "phone": "Phones of Salesforce contacts without a key",
    "respond_email": "E-mails of respond contacts without a key",
    "respond_phone": "Phones of respond contacts without a key",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One measure with its limits; ``of`` is the number of rows or values that a share is a share of."""

    name: str
    about: str
    observed: float
    at_least: float | None = None
    at_most: float | None = None
    of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What Great Expectations said of one expectation."""

    expectation: Expectation
    is_met: bool

    @property
    def affected(self) -> int:
        """How many rows are beyond the limit; none if it is met."""
        wanted, found = self.expectation, self.expectation.observed
        if self.is_met:
            return 0
        beyond = max(
            found - wanted.at_most if wanted.at_most is not None else 0.0,
            wanted.at_least - found if wanted.at_least is not None else 0.0,
        )
        return max(1, round(beyond * (wanted.of or 1)))


def suite(measures: Measures, baseline: Measures | None) -> list[Expectation]:
    """Return what is expected of ``measures``; ``baseline`` is the last good run's, None before the first."""
    before = baseline or {}
    wrong = [
        Expectation(name=name, about=about, observed=measures[name], at_most=before.get(name, 0))
        for name, about in _WRONG.items()
    ]
    return [*wrong, *_drift(measures, before), *_empty(measures, before), *_keyless(measures, before)]


def _drift(measures: Measures, before: Measures) -> Iterator[Expectation]:
    known = before.get("contacts", 0)
    if known >= FEW:
        yield Expectation(
            name="contacts",
            about="The number of live contacts is near the last good run's",
            observed=measures["contacts"],
            at_least=known * (1 - MAY_VANISH),
            at_most=max(known * MAY_GROW, known + MAY_GROW_BY),
        )


def _empty(measures: Measures, before: Measures) -> Iterator[Expectation]:
    for name, about in _EMPTY.items():
        if min(measures["contacts"], before.get("contacts", 0)) >= FEW:
            limit = before[name] / before["contacts"] + MAY_RISE
            yield _share(f"share_{name}", about, measures[name], measures["contacts"], limit)


def _keyless(measures: Measures, before: Measures) -> Iterator[Expectation]:
    for name, about in _KEYLESS.items():
        values = measures[f"{name}_values"]
        if values >= FEW:
            known = before.get(f"{name}_values", 0)
            limit = _missing(before, name) / known + MAY_RISE if known >= FEW else FIRST_KEYLESS
            yield _share(f"share_{name}_without_key", about, _missing(measures, name), values, limit)


def _missing(measures: Measures, name: str) -> int:
    return max(0, measures[f"{name}_values"] - measures[f"{name}_keyed"])


def _share(name: str, about: str, count: int, of: int, limit: float) -> Expectation:
    return Expectation(name=name, about=about, observed=count / of, at_most=min(1.0, limit), of=of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The results, and the library's own context, which knows how to make pages of them."""

    results: list[Result]
    context: Any


def judge(expectations: list[Expectation], *, org_id: str) -> Judgement:
    """Let Great Expectations judge.

    The library is imported here, because that takes seconds and no other stage needs it. It sends nothing.
    """
    with _quiet():
        import great_expectations as gx
        import pandas as pd

        context = _context(gx)
        frame = pd.DataFrame({wanted.name: [wanted.observed] for wanted in expectations})
        asset = context.data_sources.add_pandas("contact_sync").add_dataframe_asset(f"measures of {org_id}")
        definition = gx.ValidationDefinition(
            name=f"quality of {org_id}",
            data=asset.add_batch_definition_whole_dataframe("all"),
            suite=context.suites.add(_gx_suite(gx, expectations)),
        )
        outcome = context.validation_definitions.add(definition).run(
            batch_parameters={"dataframe": frame}, result_format="BASIC"
        )
    met = {found.expectation_config.kwargs["column"]: bool(found.success) for found in outcome.results}
    results = [Result(expectation=wanted, is_met=met[wanted.name]) for wanted in expectations]
    return Judgement(results=results, context=context)


def build_docs(judgement: Judgement, docs: Path) -> None:
    """Make the pages of a judgement in a directory of its own; OSError if it cannot be written.

    The pages show the latest run; all runs are in the table quality_result.
    """
    with _quiet():
        shutil.rmtree(docs, ignore_errors=True)
        # the library only logs a page that it could not write
        docs.mkdir(parents=True, exist_ok=True)
        judgement.context.add_data_docs_site(site_name="contact_sync", site_config=_site(docs))
        judgement.context.build_data_docs()


def _context(gx: Any) -> Any:
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    for site in list(context.get_site_names()):
        context.delete_data_docs_site(site)
    return context


def _site(docs: Path) -> dict[str, Any]:
    return {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs)},
        "show_how_to_buttons": False,
    }


def _gx_suite(gx: Any, expectations: list[Expectation]) -> Any:
    return gx.ExpectationSuite(
        name="contacts",
        expectations=[
            gx.expectations.ExpectColumnValuesToBeBetween(
                column=wanted.name,
                min_value=wanted.at_least,
                max_value=wanted.at_most,
                description=wanted.about,
            )
            for wanted in expectations
        ],
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's chatter and its own deprecations out of our logs; some of its loggers set their own level."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
