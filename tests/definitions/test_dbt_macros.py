"""An edited macro of dbt changes the code version of exactly the nodes that reach it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.definitions import dbt
from assets.definitions.problems import SnapshotError
from tests.definitions.manifests import (
    ORDERS,
    Document,
    change,
    change_types,
    macro,
    manifest,
    model,
    nothing,
    read,
    seed,
)


def changed_by(old: list[Document], new: list[Document], *nodes: Document) -> set[str]:
    """Answer the names of the nodes whose code version the macros changed; nothing else may have changed."""
    found = change_types(manifest(*nodes, macros=old), manifest(*nodes, macros=new))
    assert all(changed == ["CODE_VERSION"] for changed in found.values())
    return {key.rpartition(".")[2] for key in found}


def test_an_edited_macro_changes_exactly_the_nodes_that_reach_it() -> None:
    nodes = [model("direct", macros=["half"]), model("deep", macros=["cents"]), model("other", macros=["apart"])]
    old = [macro("cents", calls=["half"]), macro("half", "/ 2"), macro("apart")]
    new = [macro("cents", calls=["half"]), macro("half", "/ 3"), macro("apart")]

    assert changed_by(old, new, *nodes, model("none", macros=[]), seed()) == {"direct", "deep"}


def test_a_code_version_is_the_same_on_every_machine() -> None:
    names = [f"m{each}" for each in range(10)]
    reached = [macro(name, calls=[f"{name}x", f"{name}y"]) for name in names]
    further = [macro(f"{name}{letter}") for name in names for letter in "xy"]

    found = read(manifest(model(macros=names), macros=reached + further))

    assert found[ORDERS]["code_version"] == "41017b5e37f4169c"


def test_dbt_s_own_macros_count_when_they_are_reached() -> None:
    using = model(depends_on={"macros": ["macro.dbt.is_incremental"], "nodes": []})
    old, new = manifest(using), manifest(using)
    old["macros"]["macro.dbt.is_incremental"] = {"macro_sql": "1"}
    new["macros"]["macro.dbt.is_incremental"] = {"macro_sql": "2"}

    assert change_types(old, new) == {ORDERS: ["CODE_VERSION"]}


def test_a_seed_reaches_macros_through_its_hooks() -> None:
    hooked = seed(depends_on={"macros": ["macro.shop.grant"]}, checksum={"name": "path", "checksum": "seeds/a.csv"})

    assert changed_by([macro("grant", "1")], [macro("grant", "2")], hooked) == {"raw_orders"}


def test_macros_that_call_each_other_are_followed_once() -> None:
    ring = [macro("a", calls=["b"]), macro("b", calls=["c", "b"]), macro("c", calls=["a"])]
    edited = [macro("a", calls=["b"]), macro("b", calls=["c", "b"]), macro("c", "edited", calls=["a"])]

    assert changed_by(ring, edited, model("in_it", macros=["b"]), model("apart", macros=[])) == {"in_it"}


def test_a_chain_of_macros_may_be_long() -> None:
    chain = [macro(f"m{each}", calls=[f"m{each + 1}"]) for each in range(2_000)]

    assert changed_by(chain, [*chain, macro("m2000", "new")], model(macros=["m0"])) == {"orders"}


def test_a_macro_that_is_not_there_says_nothing() -> None:
    lost = model(macros=["lost"])

    assert change(lost, model(macros=[])) == nothing()
    assert changed_by([macro("cents", calls=["lost"])], [macro("cents")], model(macros=["cents"])) == set()


def test_what_compiling_adds_to_python_models_says_nothing() -> None:
    postfix = "macro.dbt.py_script_postfix"
    parsed, compiled = manifest(model(macros=[])), manifest(model(depends_on={"macros": [postfix], "nodes": []}))
    compiled["macros"][postfix] = {"macro_sql": "def ref(…)"}

    assert change(parsed, compiled) == nothing()


def test_macros_that_reach_each_other_in_too_many_ways_are_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbt, "MOST_STEPS", 100)
    names = [f"m{each}" for each in range(20)]

    with pytest.raises(SnapshotError) as refused:
        read(manifest(model(macros=names), macros=[macro(name, calls=names) for name in names]))

    assert refused.value.code == "bad_manifest"


names = st.sampled_from("abcdef")
graphs = st.dictionaries(names, st.lists(names, max_size=3))


@settings(deadline=None, max_examples=150)
@given(graphs, st.dictionaries(st.sampled_from(["one", "two", "three"]), st.lists(names, max_size=3)), names)
def test_an_edit_reaches_whom_a_plain_walk_reaches(
    graph: dict[str, list[str]], users: dict[str, list[str]], edited: str
) -> None:
    def reaches(start: str, seen: frozenset[str] = frozenset()) -> bool:
        if start == edited:
            return True
        return start not in seen and any(reaches(name, seen | {start}) for name in graph.get(start, []))

    graph.setdefault(edited, [])
    nodes = [model(name, macros=macros) for name, macros in users.items()]
    old = [macro(name, calls=calls) for name, calls in graph.items()]
    new = [macro(name, "edited" if name == edited else "", calls=calls) for name, calls in graph.items()]

    expected = {name for name, macros in users.items() if any(map(reaches, macros))}
    assert changed_by(old, new, *nodes) == expected
