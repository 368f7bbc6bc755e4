"""What a campaign does with the screens, in a real browser."""

import csv
import io
import json
import re
import urllib.request
from pathlib import Path

import pytest

from targeting.web.ours import has_library
from tests.e2e.conftest import (
    CHROMIUM,
    LEGEND,
    MAP,
    address,
    touch_station,
    wait_for_map,
    wait_for_polish,
)

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=45_000)

TURF_MAP = "[data-testid=stDeckGlJsonChart]"

FETCHED = """() => performance.getEntriesByType('resource')
  .filter(r => r.name.includes('/assets/') && r.responseEnd > 0).length"""


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def test_from_home_to_the_map_to_a_station(visit):
    page = visit()
    expect(page.get_by_text("Ville inventée : rien")).to_be_visible()
    expect(page.locator(".st-key-next")).to_contain_text("Prochaine étape")
    page.get_by_role("link", name="Ouvrir la carte des priorités").click()
    expect(page.get_by_role("heading", name="Carte des priorités")).to_be_visible()
    wait_for_map(page)
    expect(page.locator(LEGEND)).to_contain_text("13 bureaux")
    touch_station(page)
    card = page.locator(".st-key-card")
    expect(card).to_contain_text("à aller chercher")
    card.get_by_text("Tout le détail").click()
    expect(card).to_contain_text("Pourquoi ce rang")


def test_geometry_is_sent_once_whatever_is_moved(visit):
    page = visit("/carte")
    wait_for_map(page)
    before = page.evaluate(FETCHED)
    page.get_by_role("radio", name="Abstention").or_(
        page.get_by_role("button", name="Abstention", exact=True)
    ).first.click()
    expect(page.locator(LEGEND)).to_contain_text("Où l’on s’abstient le plus")
    page.get_by_text("Filtres et recherche").click()
    slider = page.get_by_role("slider").first
    slider.focus()
    for _ in range(50):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_text("passent les filtres, sur 63")).not_to_contain_text(
        "63 bureaux passent"
    )
    expect(page.locator(LEGEND)).to_contain_text("13 bureaux")  # classes do not move
    page.wait_for_url("**abst=50**")
    assert page.evaluate(FETCHED) == before


def test_a_row_of_the_table_opens_the_card(visit):
    page = visit("/carte")
    table = page.locator("[data-testid=stDataFrame]")
    expect(table).to_be_visible()
    box = table.bounding_box()
    page.mouse.click(box["x"] + 20, box["y"] + 55)  # the first row's box
    card = page.locator(".st-key-card")
    expect(card).to_contain_text("1er sur 62")


def test_a_browser_without_webgl_says_so_and_the_table_opens_cards(chromium, site):
    if not has_library():
        pytest.skip("the map's library is not placed: its words are NOT tested in a browser")
    browser = chromium.browser_type.launch(
        executable_path=str(CHROMIUM), args=["--disable-3d-apis", "--disable-gpu"]
    )
    try:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="fr-FR")
        context.add_cookies([site.cookie])
        page = context.new_page()
        broken = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.goto(f"{site.url}/carte")
        assert page.evaluate("document.createElement('canvas').getContext('webgl2') === null")
        expect(page.get_by_role("alert").filter(has_text="WebGL")).to_be_visible(timeout=30_000)
        box = page.locator("[data-testid=stDataFrame]").bounding_box()
        page.mouse.click(box["x"] + 20, box["y"] + 55)
        expect(page.get_by_text("Votre choix")).to_be_visible()
        assert broken == []
        page.goto(f"{site.url}/secteurs")  # pydeck's map has no words of its own for that
        told = page.get_by_role("alert").filter(has_text="WebGL")
        expect(told).to_be_visible(timeout=30_000)
        expect(told).to_contain_text("tableau")
    finally:
        browser.close()


def test_a_station_is_found_with_the_keyboard_alone(visit):
    page = visit("/carte")
    page.get_by_role("combobox", name="Bureau de vote").focus()
    page.keyboard.type("Bureau 33")
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-card")).to_contain_text("Bureau 33")


def test_the_table_is_downloaded(visit):
    page = visit("/carte")
    page.get_by_text("Partager").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Tableau (CSV)").click()
    rows = list(csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text())))
    assert len(rows) == 63
    assert rows[0]["priority_rank"] == "1"
    counts = [r["households_contacted"] for r in rows]
    assert not any(0 < int(c) < 11 for c in counts if c)


def test_cut_turfs_then_download_them(visit):
    page = visit("/secteurs")
    page.get_by_role("button", name="Découper les secteurs").click()
    page.get_by_role("button", name="Retirer et découper").click()
    expect(page.get_by_text("secteurs découpés")).to_be_visible(timeout=90_000)
    expect(page.get_by_text("Aucune porte perdue")).to_be_visible()
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_attached()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Adresses dans l’ordre (CSV)").click()
    rows = list(csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text())))
    assert {"turf_id", "visit_order", "building_id", "street"} <= set(rows[0])
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Secteurs (GeoJSON)").click()
    assert json.loads(Path(waiting.value.path()).read_text())["features"]


def test_the_printed_list_of_a_turf_is_shown(visit):
    page = visit("/secteurs")
    page.get_by_role("combobox", name="Secteur").click()
    page.get_by_role("option").first.click()
    page.get_by_text("Aperçu de la liste imprimée").click()
    sheet = page.frame_locator("iframe[title='Aperçu de la liste imprimée']")
    expect(sheet.get_by_text("à détruire après la saisie")).to_be_visible()


def speak(page, language):
    """Choose a language in the menu."""
    page.locator(".st-key-menu button").first.click()
    page.get_by_text(language, exact=True).click()
    page.keyboard.press("Escape")


def test_the_language_is_switched_and_kept(visit):
    page = visit("/carte")
    expect(page.get_by_role("heading", name="Carte des priorités")).to_be_visible()
    speak(page, "English")
    expect(page.get_by_role("heading", name="Priority map")).to_be_visible()
    page.wait_for_url("**lang=en**")
    page.get_by_role("button", name="Field").click()
    page.get_by_text("Turfs", exact=True).click()
    expect(page.get_by_role("heading", name="Canvassing turfs")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", ["/", "/carte", "/secteurs"])
def test_nothing_overflows_in_either_language(visit, path, width):
    page = visit(f"{path}?lang=en", width=width, height=844)
    for lang in ("en", "fr"):
        expect(page.get_by_text("Sources").last).to_be_attached()
        assert overflow(page) <= 0
        if path == "/secteurs" or (path == "/carte" and width == 390):
            shown = page.locator(MAP if path == "/carte" else TURF_MAP)
            assert shown.evaluate("map => map.clientHeight") <= 0.6 * 844
        if lang == "en":
            assert page.evaluate("document.documentElement.lang") == "en"
            speak(page, "Français")
            headings = {
                "/": "Aujourd’hui",
                "/carte": "Carte des priorités",
                "/secteurs": "Secteurs de",
            }
            expect(page.get_by_role("heading", name=headings[path])).to_be_visible()


def test_every_answer_of_the_server_has_the_headers(site):
    for path in ("/", "/carte", "/health", "/_stcore/health"):
        headers = {"accept": "text/html", "cookie": f"{site.cookie['name']}={site.cookie['value']}"}
        request = urllib.request.Request(site.url + path, headers=headers)
        with urllib.request.urlopen(request) as answer:
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"


def test_from_the_health_of_the_data_to_the_past_of_a_station(visit):
    page = visit("/sante")
    expect(page.get_by_role("heading", name="Santé des données")).to_be_visible()
    expect(page.get_by_text("Ce que valent les données pour les 63 bureaux")).to_be_visible()
    page.get_by_role("link", name="Voir d’où vient le passé de chaque bureau").click()
    expect(page.get_by_role("heading", name="D’où vient le passé de chaque bureau")).to_be_visible()
    page.locator(".st-key-still summary").click()  # none moved: the sixty-three are folded
    expect(page.locator("[data-testid=stDataFrame]").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Télécharger ce registre (CSV)").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert len(rows) == 63
    assert all(row["sentence"] for row in rows)
    assert overflow(page) <= 0


def draw_round(page, box, share=0.92):
    """A lasso round the middle of a box."""
    left, top = (box[k] + box[w] * (1 - share) / 2 for k, w in (("x", "width"), ("y", "height")))
    right, bottom = left + box["width"] * share, top + box["height"] * share
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(x, y, steps=6)
    page.mouse.up()


def choose(page, label, text):
    box = page.get_by_role("combobox", name=label)
    box.click()
    box.fill(text)
    page.get_by_role("option", name=text).first.click()


def test_buildings_lassoed_on_the_map_move_to_a_new_turf_and_back(visit):
    wait_for_polish(visit)
    page = visit("/retouche")
    plot = page.locator(".js-plotly-plot")
    expect(plot.locator("canvas").first).to_be_visible()
    ready = page.locator("[data-test-script-state=notRunning]")
    expect(ready).to_be_attached()
    draw_round(page, plot.bounding_box())
    expect(page.get_by_text(re.compile(r"immeubles? choisis?, "))).to_be_visible()
    choose(page, "Vers le secteur", "un nouveau secteur")
    page.get_by_role("button", name="Déplacer", exact=True).click()
    expect(page.get_by_text("Déplacé :")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Annuler")).click()
    expect(page.get_by_text("comme avant")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_plan_is_made_and_nothing_overflows(visit, width):
    page = visit("/plan", width=width, height=844)
    page.get_by_role("button", name="Faire le plan").click()
    expect(page.get_by_text("Qui ce plan ne visite jamais")).to_be_visible(timeout=90_000)
    expect(page.get_by_text(re.compile(r"Votants de plus\s:\senviron"))).to_be_visible()
    assert overflow(page) <= 0


def test_the_printed_address_opens_one_browser_and_no_other(visit, site):
    stranger = visit("/carte", key=False, refused=True)
    expect(stranger.get_by_text("Ce navigateur n’est pas encore entré")).to_be_visible()
    printed = address(site.log)
    guest = visit(printed.replace("/?", "/carte?"), key=False)
    expect(guest.get_by_role("heading", name="Carte des priorités")).to_be_visible()
    assert "token" not in guest.url
    guest.reload()
    expect(guest.get_by_role("heading", name="Carte des priorités")).to_be_visible()
    late = visit(printed, key=False, refused=True)
    expect(late.get_by_text("Cette adresse a déjà servi")).to_be_visible()


def test_one_click_cuts_the_stations_just_chosen_with_the_keyboard(visit):
    page = visit("/secteurs")
    page.get_by_text("Bureaux choisis").click()
    search = page.get_by_role("combobox", name="Bureaux")
    expect(search).to_be_visible()
    search.click()
    search.press_sequentially("48")
    search.press("Enter")
    search.press("Escape")
    page.get_by_role("button", name="Découper les secteurs").click()
    asked = page.get_by_role("button", name="Retirer et découper")
    expect(asked.or_(page.get_by_text("secteurs découpés"))).to_be_visible(timeout=30_000)
