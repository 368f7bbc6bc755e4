"""The browser's libraries: placed as pinned, refused when they differ, told when absent."""

import hashlib
import json
import subprocess
import tomllib

import pytest
from click.testing import CliRunner

from targeting.config import PROJECT
from targeting.web import library, ours

SCRIPT = b"draw()\n"
FILES = {"map/dist/map.mjs": hashlib.sha256(SCRIPT).hexdigest()}


@pytest.fixture
def packages(tmp_path):
    """A `node_modules` with one script, that names its source map."""
    folder = tmp_path / "node_modules"
    (folder / "map" / "dist").mkdir(parents=True)
    (folder / "map" / "dist" / "map.mjs").write_bytes(SCRIPT + b"//# sourceMappingURL=map.mjs.map")
    return folder


def test_a_file_is_placed_without_its_source_map_and_known_again(packages, tmp_path):
    folder = tmp_path / "placed"
    assert not library.is_placed(FILES, folder)
    library.place_files(FILES, packages, folder)
    assert [(p.name, p.read_bytes()) for p in folder.iterdir()] == [("map.mjs", SCRIPT)]
    assert library.is_placed(FILES, folder)
    (folder / "map.mjs").write_bytes(SCRIPT + b" ")
    assert not library.is_placed(FILES, folder)


def test_a_mark_of_a_source_map_within_a_script_is_left(packages):
    script = b"a\n//# sourceMappingURL=x\nb\n"
    assert library.without_source_map(script) == script
    assert library.without_source_map(b"") == b""


def test_where_one_file_differs_none_is_placed(packages, tmp_path):
    (packages / "map" / "LICENSE").write_text("others' words")
    folder = tmp_path / "placed"
    with pytest.raises(library.OtherFileError, match="map/LICENSE"):
        library.place_files(FILES | {"map/LICENSE": "0" * 64}, packages, folder)
    assert not folder.exists()


def test_a_file_that_differs_ends_the_set_up_and_one_that_is_missing_is_told(packages, tmp_path):
    placed = tmp_path / "placed"
    with pytest.raises(library.OtherFileError):
        library.set_up({placed: {"map/dist/map.mjs": "0" * 64}}, fetch=lambda *_: packages)
    said = library.set_up({placed: {"map/none.css": "0" * 64}}, fetch=lambda *_: packages)
    assert "map/none.css is not among the packages" in said


def test_what_is_in_place_is_not_fetched_again(packages, tmp_path):
    def fetch(_room, _with_tests):
        raise AssertionError("fetched again")

    placed = tmp_path / "placed"
    assert library.set_up({placed: FILES}, fetch=lambda *_: packages) == "Placed map."
    assert library.set_up({placed: FILES}, fetch=fetch) == ""


def test_without_network_the_set_up_says_what_is_missing_and_goes_on(monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(library, "MAP", tmp_path / "map")
    monkeypatch.setattr(library, "AXE", tmp_path / "browser" / "axe.min.js")
    done = CliRunner().invoke(library.main, ["--tests"])
    assert done.exit_code == 0
    assert done.output.startswith("Not fetched: axe-core and maplibre-gl (pip: ERROR: ")
    assert "the map is drawn by pydeck, tests of access by axe are SKIPPED" in done.output
    assert len(done.output.strip().splitlines()) == 2
    assert list(tmp_path.iterdir()) == []


def test_an_npm_that_does_not_start_or_fails_is_told_on_one_line(tmp_path):
    with pytest.raises(library.NotFetchedError, match="npm does not start"):
        library._run([str(tmp_path / "no npm")], tmp_path, "npm")
    for said, why in (("npm warn x\nnpm error code E404\nnpm error y", "npm error code E404"),
                      ("", "ended with 3")):  # fmt: skip
        script = f"import sys; sys.stderr.write({said!r}); sys.exit(3)"
        with pytest.raises(library.NotFetchedError, match=why):
            library._run([library.sys.executable, "-c", script], tmp_path, "npm")


def test_the_locks_name_no_registry_and_pin_by_hash():
    lock = json.loads((PROJECT / "package-lock.json").read_text())
    wanted = json.loads((PROJECT / "package.json").read_text())
    packages = {name: p for name, p in lock["packages"].items() if name}
    assert all(p["integrity"].startswith("sha512-") for p in packages.values())
    assert not any("resolved" in p for p in packages.values())
    for kind in ("dependencies", "devDependencies"):
        for name, version in wanted[kind].items():
            assert packages[f"node_modules/{name}"]["version"] == version
    assert {n.split("/")[0] for n in library.MAP_FILES} == set(wanted["dependencies"])
    assert {n.split("/")[0] for n in library.AXE_FILES} == set(wanted["devDependencies"])
    pins = (PROJECT / library.NPM_PINS).read_text()
    assert "--hash=sha256:" in pins
    assert "://" not in pins


def test_nothing_of_theirs_is_committed():
    tracked = subprocess.run(
        ["git", "ls-files", "targeting/web/assets"], cwd=PROJECT, capture_output=True, text=True,
        check=True,
    ).stdout.split()  # fmt: skip
    assert "targeting/web/assets/workbench.js" in tracked
    assert [name for name in tracked if "maplibre" in name] == []


def test_the_library_is_there_when_all_its_files_are(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setattr(ours, "MAP", tmp_path)
    names = [name.rsplit("/", 1)[-1] for name in library.MAP_FILES]
    for name in names:
        assert not ours.has_library()
        (tmp_path / name).write_text("")
    assert ours.has_library()


def test_an_installed_package_carries_the_library_that_was_placed():
    setup = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["setuptools"]
    carried = setup["package-data"]["targeting.web.assets"]
    assert sorted(carried) == sorted(f"maplibre/{n.rsplit('/', 1)[-1]}" for n in library.MAP_FILES)
