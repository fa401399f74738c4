"""dbt manifests for tests: nodes as dbt 1.11 writes them (`manifest.json` is a real one, trimmed), a little changed."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from assets.definitions import differ, reading
from assets.definitions.differ import Definitions

Document = dict[str, Any]

REAL: Document = json.loads(Path(__file__).with_name("manifest.json").read_text())
ORDERS = "model.shop.orders"
_TEMPLATES = {
    "model": REAL["nodes"][ORDERS],
    "seed": REAL["nodes"]["seed.shop.raw_orders"],
    "snapshot": REAL["nodes"]["snapshot.shop.orders_snap"],
    "test": REAL["nodes"]["test.shop.unique_orders_id.1360ecc70e"],
    "source": REAL["sources"]["source.shop.crm.people"],
    "exposure": REAL["exposures"]["exposure.shop.weekly"],
}
_SECTIONS = {"source": "sources", "exposure": "exposures"}


def node(kind: str, name: str, /, *, config: Document | None = None, **fields: Any) -> Document:
    """Answer the real node of this kind under another name; `config` and the fields take the place of its own."""
    made = deepcopy(_TEMPLATES[kind])
    made.update(unique_id=f"{kind}.shop.{name}", name=name, **fields)
    made["config"] = {**made["config"], **(config or {})}
    return made


def model(name: str = "orders", /, *, macros: list[str] | None = None, **fields: Any) -> Document:
    """Answer a model that depends on these macros of shop, or, if not said, on what the real one does."""
    made = node("model", name, **fields)
    if macros is not None:
        made["depends_on"] = {"nodes": [], "macros": [f"macro.shop.{each}" for each in macros]}
    return made


def seed(name: str = "raw_orders", /, **fields: Any) -> Document:
    return node("seed", name, **fields)


def source(name: str = "crm.people", /, **fields: Any) -> Document:
    return node("source", name, **fields)


def exposure(name: str = "weekly", /, **fields: Any) -> Document:
    return node("exposure", name, **fields)


def macro(name: str, sql: str = "", calls: list[str] | None = None) -> Document:
    """Answer a macro of shop that calls others of shop."""
    called = [f"macro.shop.{each}" for each in calls or []]
    return {"unique_id": f"macro.shop.{name}", "macro_sql": sql or name, "depends_on": {"macros": called}}


def manifest(*nodes: Document, macros: list[Document] | None = None) -> Document:
    """Answer a manifest of these nodes; of the real one's macros when no others are given."""
    made = {**deepcopy(REAL), "nodes": {}, "sources": {}, "exposures": {}}
    for each in nodes:
        made[_SECTIONS.get(each["resource_type"], "nodes")][each["unique_id"]] = each
    if macros is not None:
        made["macros"] = {each["unique_id"]: each for each in macros}
    return made


def read(document: Document) -> Definitions:
    """Read a manifest as it would come."""
    found = reading.read(json.dumps(document).encode())
    assert found.source == "dbt"
    return found.assets


def change(old: Document, new: Document) -> Document:
    """Answer what the differ says of two manifests, or of two nodes."""
    old, new = (each if "metadata" in each else manifest(each) for each in (old, new))
    return differ.diff(read(old), read(new)).as_json()


def change_types(old: Document, new: Document) -> dict[str, list[str]]:
    """Answer the change types of each node that changed."""
    return {key: found["change_types"] for key, found in change(old, new)["changed"].items()}


def nothing(unchanged: int = 1) -> Document:
    """Answer what the differ says when nothing changed."""
    return {"added": [], "removed": [], "changed": {}, "unchanged": unchanged}
