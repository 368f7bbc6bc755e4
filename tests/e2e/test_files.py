"""From an empty workspace to the coloured map, without a terminal."""

import re

import pytest

from targeting.config import Workspace
from targeting.workflows.imports.results import import_results
from targeting.workflows.setup import init_workspace
from tests.e2e.conftest import Site, serve, wait_for_map
from tests.official import PRES_2022 as CANDIDATES
from tests.official import Ballot, geojson, marseille_rows, native, square, write_latin

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=45_000)

NUMBERS = ("0101", "0102", "0103", "069A")


@pytest.fixture
def site(tmp_path, chromium):
    """A dashboard on a folder where there is nothing, one a test: none needs what another left."""
    server, url, cookie = serve(tmp_path / "workspace", tmp_path / "server.log")
    yield Site(url, cookie, tmp_path / "server.log")
    server.terminate()
    server.wait(10)


@pytest.fixture
def official_files(tmp_path):
    """Invented results of two elections and outlines, in their official layouts."""
    first = native(marseille_rows(), Ballot.of_names(CANDIDATES))
    halves = [row.with_(votes=[v // 2 for v in row.votes][:5]) for row in marseille_rows()]
    second = native(halves, Ballot.of_nuances("NUP", "ENS", "RN", "LR", "REC"))
    outlines = geojson(
        [({"CODE": "13201", "BUREAU": f"13201_{n}"}, square(5.37 + i / 100, 43.29))
         for i, n in enumerate(NUMBERS)]
    )  # fmt: skip
    (tmp_path / "contours.geojson").write_text(outlines)
    return [
        write_latin(tmp_path / "presidentielle.txt", first),
        write_latin(tmp_path / "legislatives.txt", second),
        tmp_path / "contours.geojson",
    ]


def prepare_marseille(page, click=lambda target: target.click()):
    click(page.locator(".st-key-step_commune [data-testid=stSelectbox] input"))
    page.keyboard.type("Marseille")
    page.keyboard.press("Enter")
    click(page.get_by_role("button", name="Préparer la campagne"))
    expect(page.locator(".st-key-to_map")).to_contain_text("résultats")


def import_file(page, file, next_word, click=lambda target: target.click()):
    page.locator("[data-testid=stFileUploader] input[type=file]").first.set_input_files(file)
    card = page.locator("[class*=st-key-job_]", has_text=file.name)
    click(card.locator("[class*=st-key-import_] button"))
    expect(page.locator(".st-key-to_map")).to_contain_text(next_word)


def test_from_nothing_to_the_coloured_map_in_a_dozen_clicks(visit, site, official_files):
    page = visit()
    expect(page.get_by_role("link", name=re.compile("Commencer"))).to_be_visible()
    phone = visit("/fichiers", width=390, height=844)
    expect(phone.locator(".st-key-to_map")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    phone.close()
    clicks = []

    def click(target):
        clicks.append(target)
        target.click()

    click(page.get_by_role("link", name=re.compile("Commencer")))
    prepare_marseille(page, click)
    for file, next_word in zip(official_files, ("moins", "contours", "prête"), strict=True):
        clicks.append(file)  # a drop
        import_file(page, file, next_word, click)
    click(page.get_by_role("button", name="Voir la carte"))
    wait_for_map(page)
    assert len(clicks) <= 10
    told = page.content()
    assert "python -m" not in told
    assert site.outside == []


def test_an_import_is_told_to_who_comes_back_and_is_undone(visit, official_files, tmp_path):
    here = Workspace(tmp_path / "workspace")
    init_workspace(here, communes=["13055"])
    import_results(here, official_files[:1])
    import_results(here, official_files[1:2])
    import_file(visit("/fichiers"), official_files[2], "prête")
    page = visit("/fichiers")
    expect(page.get_by_text("Importé.").first).to_be_visible()
    page.locator("[class*=st-key-undo_] button").first.click()
    expect(page.get_by_text("Import annulé")).to_be_visible()
    expect(page.locator(".st-key-to_map")).to_contain_text("contours")
    again = visit("/sante")
    expect(again.locator(".st-key-verdict")).to_contain_text("1 chose à mettre en ordre")
    again.get_by_role("link", name="Arranger").click()
    expect(again.locator(".st-key-step_stations details").first).to_have_attribute("open", "")
    expect(again.locator(".st-key-step_results details").first).not_to_have_attribute("open", "")
