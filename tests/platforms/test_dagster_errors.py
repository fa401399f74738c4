"""Why a location failed: each error of the chain with the line of the user's own code that led to it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.platforms.dagster_errors import load_error, users_own_frame

SITE = "/srv/orders/releases/7/.venv/lib/python3.12/site-packages"
DAGSTER = f"""\
  File "{SITE}/dagster/_core/code_pointer.py", line 86, in load_python_file
    return import_module_from_path(module_name, python_file)
  File "{SITE}/dagster_shared/seven/__init__.py", line 51, in import_module_from_path
    spec.loader.exec_module(module)
    ~~~~~~~~~~~~~~~~~~~~~~~^^^^^^^^
  File "<frozen importlib._bootstrap_external>", line 1022, in exec_module
  File "<frozen importlib._bootstrap>", line 488, in _call_with_frames_removed
"""
USERS = """\
  File "/srv/orders/releases/7/defs.py", line 1, in <module>
    import helper
  File "/srv/orders/releases/7/helper.py", line 12, in load
    return read(
           ^^^^^
        "orders",
    )
"""
LIBRARY = f"""\
  File "{SITE}/pandas/io/parsers.py", line 900, in read
    raise FileNotFoundError(path)
  File "/usr/lib/python3.12/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
"""
SYNTAX = '  File "/srv/orders/releases/7/helper.py", line 2\n    def f(:\n          ^\nSyntaxError: invalid syntax\n'


def python_error(class_name: str, message: str, *stack: str) -> dict[str, Any]:
    return {"className": class_name, "message": message, "stack": list(stack), "errorChain": []}


@pytest.mark.parametrize("after", ["", LIBRARY])
def test_names_the_last_line_of_the_users_code(after: str) -> None:
    assert users_own_frame(DAGSTER + USERS + after) == "/srv/orders/releases/7/helper.py:12 in load: return read("


@pytest.mark.parametrize("stack", ["", "nonsense", DAGSTER, LIBRARY, DAGSTER + LIBRARY])
def test_names_nothing_where_the_user_wrote_nothing(stack: str) -> None:
    assert users_own_frame(stack) == ""


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib/python3/dist-packages/yaml/__init__.py",
        "/home/ann/.local/share/uv/python/cpython-3.13/lib/python3.13t/json/decoder.py",
        "/usr/lib64/python3.12/json/decoder.py",
        r"C:\Python312\Lib\importlib\__init__.py",
        r"C:\orders\.venv\Lib\site-packages\dagster\_core\x.py",
        "/opt/python312.zip/json/decoder.py",
        "/home/ann/dagster/python_modules/dagster/dagster/components/load.py",
        "/home/ann/dagster/python_modules/libraries/dagster-dbt/dagster_dbt/x.py",
        "/opt/code/dagster/_core/errors.py",
        "/home/ann/.pex/installed_wheels/0a/dagster-1.13-py3-none-any.whl/dagster/x.py",
        "<string>",
    ],
)
def test_knows_what_the_user_did_not_write(path: str) -> None:
    assert users_own_frame(f'  File "{path}", line 3, in f\n    x = 1\n') == ""


@pytest.mark.parametrize(
    "path",
    ["/srv/dagster/defs.py", "/opt/dagster/app/_core.py", "/srv/lib/python/defs.py", r"C:\lib\defs.py", "defs.py"],
)
def test_knows_what_the_user_wrote(path: str) -> None:
    assert users_own_frame(f'  File "{path}", line 3, in f\n    x = 1\n') == f"{path}:3 in f: x = 1"


@pytest.mark.parametrize("follows", ["", "    ~~~^^^\n", "  [Previous line repeated 994 more times]\n", LIBRARY])
def test_does_without_the_source(follows: str) -> None:
    assert users_own_frame(f'  File "/a/defs.py", line 3, in f\n{follows}') == "/a/defs.py:3 in f"


def test_takes_the_place_of_a_syntax_error_from_its_message() -> None:
    error = load_error(
        python_error("DagsterUserCodeLoadError", "It failed", DAGSTER)
        | {"errorChain": [{"error": python_error("SyntaxError", SYNTAX, DAGSTER + USERS)}]}
    )

    assert [link["frame"] for link in error.chain] == ["", "/srv/orders/releases/7/helper.py:2: def f(:"]
    assert [sorted(link) for link in error.chain] == [["class_name", "frame", "message", "stack"]] * 2


def test_says_of_a_syntax_error_what_is_wrong_before_anything_else() -> None:
    message = load_error(python_error("SyntaxError", SYNTAX, DAGSTER)).chain[0]["message"]

    assert message == "invalid syntax (helper.py, line 2)"


@pytest.mark.parametrize("message", ["", "invalid syntax", f'  File "{SITE}/old/x.py", line 2\n    print 1\n'])
def test_leaves_a_syntax_error_that_does_not_tell_the_users_place_as_it_is(message: str) -> None:
    assert load_error(python_error("SyntaxError", message, DAGSTER)).chain[0]["message"] == message.strip()


@pytest.mark.parametrize("message", ["invalid syntax", f'  File "{SITE}/old/x.py", line 2\n    print 1\n', ""])
def test_a_syntax_error_elsewhere_is_where_the_user_imported_it(message: str) -> None:
    frame = load_error(python_error("SyntaxError", message, DAGSTER + USERS)).chain[0]["frame"]

    assert frame == "/srv/orders/releases/7/helper.py:12 in load: return read("


def test_only_a_syntax_error_speaks_of_files_in_its_message() -> None:
    assert load_error(python_error("ValueError", SYNTAX, DAGSTER)).chain[0]["frame"] == ""


def test_finds_the_frame_of_a_stack_too_long_to_keep() -> None:
    error = load_error(python_error("RecursionError", "too deep", DAGSTER, USERS, LIBRARY * 200))

    assert error.chain[0]["frame"].startswith("/srv/orders/releases/7/helper.py:12")
    assert len(error.chain[0]["stack"]) == 20_000


@given(st.text(), st.lists(st.sampled_from(["File ", '"', ", line ", "3", ", in ", "\n", "  ", "/a.py"])).map("".join))
def test_reads_any_stack(text: str, broken: str) -> None:
    assert users_own_frame(text + broken).count("\n") == 0
