"""The same keys through tools that people use for such joins. Informative: none of them keeps answers up to date."""

from __future__ import annotations

import importlib
import importlib.util
import time
from typing import Any

import pandas
import sqlalchemy

from benchmarks import report
from benchmarks.report import Figure

_SALESFORCE = "SELECT kind, key, salesforce_id FROM contact_sync.salesforce_key"
_RESPOND = "SELECT kind, key, respond_id FROM contact_sync.respond_key"


def pandas_merge(url: str) -> list[Figure]:
    """Read both sides' keys into memory and merge them there."""
    report.progress("pandas.merge")
    began = time.perf_counter()
    salesforce, respond = _frames(url)
    read = time.perf_counter()
    merged = respond.merge(salesforce, on=["kind", "key"])
    return [
        Figure(name="pandas_read_seconds", value=read - began, unit="s"),
        Figure(name="pandas_merge_seconds", value=time.perf_counter() - read, unit="s"),
        Figure(name="pandas_merge_rows", value=len(merged), unit="rows"),
    ]


def splink_link(url: str) -> tuple[list[Figure], list[str]]:
    """Link deterministically by splink on DuckDB; return the figures, and the peer's name if it is not installed."""
    if importlib.util.find_spec("splink") is None:
        return [], ["splink"]
    splink: Any = importlib.import_module("splink")
    report.progress("splink")
    salesforce, respond = _frames(url)
    wide = [_wide(salesforce, "salesforce_id"), _wide(respond, "respond_id")]
    began = time.perf_counter()
    settings = splink.SettingsCreator(
        link_type="link_only",
        unique_id_column_name="unique_id",
        blocking_rules_to_generate_predictions=[splink.block_on("email"), splink.block_on("phone")],
    )
    linker = splink.Linker(wide, settings, splink.DuckDBAPI())
    linked = linker.inference.deterministic_link().as_pandas_dataframe()
    return [
        Figure(name="splink_seconds", value=time.perf_counter() - began, unit="s"),
        Figure(name="splink_rows", value=len(linked), unit="rows"),
    ], []


def _frames(url: str) -> tuple[Any, Any]:
    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg2://"))
    try:
        return pandas.read_sql(_SALESFORCE, engine), pandas.read_sql(_RESPOND, engine)
    finally:
        engine.dispose()


def _wide(keys: Any, name: str) -> Any:
    """One row per contact, its e-mail and phone in columns: the shape that splink takes."""
    wanted = keys[keys["kind"].isin(["email", "phone"])]
    wide = wanted.pivot_table(index=name, columns="kind", values="key", aggfunc="first").reset_index()
    return wide.rename(columns={name: "unique_id"}).astype({"unique_id": str})
