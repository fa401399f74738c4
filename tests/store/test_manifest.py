"""A manifest …"""

from typing import Any

import pytest

from deployments.bundles.manifest import check_mounts, digest_of_manifest, read_manifest
from portal.common.problems import Invalid, TooLarge

SHA = "0" * 64


def line(path: Any = "a.py", mode: Any = "0644", sha256: Any = SHA, size: Any = 1) -> dict[str, Any]:
    """Answer one line of a manifest."""
    return {"path": path, "mode": mode, "sha256": sha256, "size": size}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("../a.py", "'..' part"),
        ("a/../../etc/passwd", "'..' part"),
        ("a/..", "'..' part"),
        (".", "'.' or '..' part"),
        ("./a.py", "'.' or '..' part"),
        ("a//b.py", "an empty"),
        ("a/", "an empty"),
        ("", "is empty"),
        ("/etc/passwd", "is absolute"),
        ("C:/a.py", "is absolute"),
        ("c:a.py", "is absolute"),
        ("a\\b.py", "backslash"),
        ("..\\a.py", "backslash"),
        ("a\0.py", "control characters"),
        ("a\n.py", "control characters"),
        ("a\x7f.py", "control characters"),
        ("a\ud800.py", "control characters"),
        ("d/" * 256 + "a.py", "longer than 512 bytes"),
        ("é" * 257, "longer than 512 bytes"),
        ("n" * 256, "a name longer than 255 bytes"),
        ("é" * 128 + "/a.py", "a name longer than 255 bytes"),
    ],
)
def test_is_refused_for_a_path_that_could_lead_astray(path: str, words: str):
    with pytest.raises(Invalid, match=r"^File 1 of the manifest ") as refused:
        read_manifest([line(), line(path)])

    assert refused.value.code == "bad_manifest"
    assert words in refused.value.detail


@pytest.mark.parametrize("path", [None, 3, ["a"], b"a"])
def test_is_refused_without_a_path(path: Any):
    with pytest.raises(Invalid, match="has no path"):
        read_manifest([line(path)])


@pytest.mark.parametrize("path", ["a", "a.py", ".hidden", "...", "a b", "é/ü.py", "a..b/c", "~", "-rf", "x" * 255])
def test_takes_odd_but_plain_paths(path: str):
    assert read_manifest([line(path)])[0].path == path


@pytest.mark.parametrize(
    "mode",
    [
        *("120777", "120000", 0o120777),  # links
        *("040755", 0o040755, "060644", "020644", "010644", "140755"),  # directory, devices, pipe, socket
        *("4755", "2755", "1644", 0o4755, "0777", "0666", "0600", "600", 0o600),
        *(None, True, False, 1.5, "", "rw-r--r--", "-0644", "0644\n", ["0644"], -5),
    ],
)
def test_is_refused_for_anything_but_a_regular_file(mode: Any):
    with pytest.raises(Invalid, match="only regular files, 0644 or 0755, are taken; no links, no devices") as refused:
        read_manifest([line("bin/tool", mode)])

    assert refused.value.code == "bad_manifest"
    assert "bin/tool" in refused.value.detail


@pytest.mark.parametrize(
    ("mode", "read"),
    [
        ("0644", 0o644),
        ("644", 0o644),
        ("100644", 0o644),
        (0o644, 0o644),
        (0o100644, 0o644),
        ("0755", 0o755),
        (0o755, 0o755),
    ],
)
def test_reads_the_two_modes_however_they_are_written(mode: Any, read: int):
    assert read_manifest([line(mode=mode)])[0].mode == read


@pytest.mark.parametrize("sha256", [None, "", "0" * 63, "0" * 65, "A" * 64, "g" * 64, SHA + "\n", 0])
def test_is_refused_without_a_sha256(sha256: Any):
    with pytest.raises(Invalid, match="has no sha256 of 64 lower-case"):
        read_manifest([line(sha256=sha256)])


@pytest.mark.parametrize("size", [None, -1, 1.0, "1", True])
def test_is_refused_without_a_size(size: Any):
    with pytest.raises(Invalid, match="has no size in bytes"):
        read_manifest([line(size=size)])


@pytest.mark.parametrize("files", [None, {}, "a.py", 3])
def test_is_a_list(files: Any):
    with pytest.raises(Invalid) as refused:
        read_manifest(files)

    assert refused.value.code == "bad_manifest"


@pytest.mark.parametrize("entry", [None, "a.py", ["a.py"], 3])
def test_is_a_list_of_objects(entry: Any):
    with pytest.raises(Invalid, match=r"^File 0 of the manifest is not \{path, mode, sha256, size\}"):
        read_manifest([entry])


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["a.py", "a.py"], "twice"),
        (["a.py", "A.py"], "take for the same"),
        (["é.py", "e\u0301.py"], "take for the same"),
        (["straße.py", "STRASSE.py"], "take for the same"),
        (["Lib/a.py", "lib/b.py"], "differ only in case"),
        (["x/Lib/a.py", "x/lib/b.py"], "differ only in case"),
        (["a", "a/b.py"], "both a file and a folder"),
        (["A", "a/b.py"], "both a file and a folder"),
        (["x/a", "x/a/b/c.py"], "both a file and a folder"),
    ],
)
def test_is_refused_for_paths_that_some_file_system_takes_for_one(paths: list[str], words: str):
    with pytest.raises(Invalid) as refused:
        read_manifest([line(path) for path in paths])

    assert refused.value.code == "bad_manifest"
    assert words in refused.value.detail


@pytest.mark.parametrize(
    ("limit", "value", "code"),
    [
        ("LASTGOOD_MAX_FILES", 2, "too_many_files"),
        ("LASTGOOD_MAX_FILE_BYTES", 9, "file_too_large"),
        ("LASTGOOD_MAX_BUNDLE_BYTES", 29, "bundle_too_large"),
    ],
)
def test_over_a_limit_is_refused_with_the_limit(limit: str, value: int, code: str, settings):
    files = [line(f"{name}.py", size=10) for name in "abc"]
    read_manifest(files)
    setattr(settings, limit, value)

    with pytest.raises(TooLarge, match=f"at most {value} are taken") as refused:
        read_manifest(files)

    assert (refused.value.code, refused.value.status) == (code, 413)


def test_over_the_longest_path_of_the_settings_is_refused(settings):
    settings.LASTGOOD_MAX_PATH_LENGTH = 16

    assert read_manifest([line("a" * 16)])
    with pytest.raises(Invalid, match="longer than 16 bytes"):
        read_manifest([line("a" * 17)])


def test_has_a_digest_whatever_the_order_of_its_lines():
    files = [line("b/c.py"), line("a.py", "0755", "1" * 64, 7), line("b.py", size=0)]

    digests = {digest_of_manifest(read_manifest(order)) for order in (files, files[::-1], files[1:] + files[:1])}

    assert len(digests) == 1
    assert digests == {digest_of_manifest(reversed(read_manifest(files)))}


@pytest.mark.parametrize("other", [line("b.py"), line(mode="0755"), line(sha256="1" * 64), line(size=2)])
def test_has_another_digest_when_anything_of_it_differs(other: dict[str, Any]):
    assert digest_of_manifest(read_manifest([line()])) != digest_of_manifest(read_manifest([other]))


@pytest.mark.parametrize(
    "mount",
    ["", ".", "..", "a/..", "/a", "a/", "a//b", "-a", ".a", "a b", "a\\b", "a\0", "é", "a" * 64, "/".join("abcdefg")],
)
def test_is_not_mounted_at_what_is_no_plain_name(mount: str):
    with pytest.raises(Invalid) as refused:
        check_mounts([mount])

    assert refused.value.code == "bad_mount"


@pytest.mark.parametrize(
    "mounts", [["a", "a/b"], ["a/b/c", "a"], ["Dbt", "dbt/shop"], ["dags", "Dags"], ["a", "a-b", "a/c"]]
)
def test_is_not_mounted_inside_another_one(mounts: list[str]):
    with pytest.raises(Invalid, match="lie inside each other") as refused:
        check_mounts(mounts)

    assert refused.value.code == "bad_mount"


def test_is_mounted_beside_others():
    check_mounts(["dags", "dags-2", "dags.old", "dbt/shop", "dbt/shop2", "a_b"])
