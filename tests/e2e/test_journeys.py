"""The journeys of a campaign's people, from screen to screen and back; clicks counted, two at once,
nothing from outside. The strategist's are in `test_workbench`."""

import csv
import io
import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from targeting.cli.app import cli
from targeting.workflows.turfs.edits import load_hand_board
from tests.e2e.conftest import wait_for_polish
from tests.e2e.test_phone_book import far, tap, turn, unlock

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=45_000)


class Clicks:
    """A hand that counts."""

    def __init__(self):
        self.count = 0

    def __call__(self, target):
        self.count += 1
        target.click()

    def download(self, page, target):
        with page.expect_download() as waiting:
            self(target)
        return Path(waiting.value.path())


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def cut_turfs(page, click):
    """Cut the first stations; turfs that nobody began are withdrawn. The paper can be printed."""
    click(button(page, "Découper les secteurs"))
    yes, printing = button(page, "Retirer et découper"), page.locator(".st-key-print_cut button")
    expect(yes.or_(printing).first).to_be_visible(timeout=90_000)
    if yes.is_visible():
        click(yes)
    expect(printing).to_be_visible(timeout=90_000)
    return printing


def ready(site):
    """Turfs that nobody began, the last cut last."""
    return load_hand_board(site.town).can_change


def choose_turf(page, click, code):
    """Look at one turf."""
    click(page.get_by_role("combobox", name="Secteur", exact=True))
    page.keyboard.type(code)
    click(page.get_by_role("option", name=code))
    expect(page.get_by_text(f"Télécharger — {code}")).to_be_visible()


def returned(site, path):
    told = CliRunner().invoke(
        cli, ["--workspace", str(site.town.root), "returns", str(path), "--json"]
    )
    assert told.exit_code == 0, told.output
    return json.loads(told.stdout)


def a_door_of(site, code):
    stops = load_hand_board(site.town).stops_of([code])
    return stops.sort_values("visit_order")["building_id"].iloc[0]


def typed(folder, code, building_id):
    """A turf's sheet typed back: nobody at the first door of a building, an hour ago."""
    at = datetime.now(UTC) - timedelta(hours=1)
    path = folder / "feuille.csv"
    line = f"{code};{building_id};1;absent;{at:%Y-%m-%dT%H:%M}Z"
    path.write_text(f"turf_id;building_id;door;outcome;visited_at\n{line}\n")
    return path


def begun(page):
    """How many turfs the desk says are begun."""
    return int(re.search(r"(\d+) commencé", page.locator("[data-testid=stMain]").inner_text())[1])


def test_the_director_cuts_prints_looks_and_follows(visit, site, tmp_path):
    click = Clicks()
    page = visit("/")
    expect(page.get_by_text("Secteurs prêts à sortir")).to_be_visible()
    before = begun(page)
    click(page.get_by_role("link", name="Ouvrir les secteurs", exact=True))
    packet = click.download(page, cut_turfs(page, click))
    assert packet.read_bytes().startswith(b"%PDF")
    assert click.count <= 4
    code = ready(site)[-1]
    choose_turf(page, click, code)
    stops = click.download(page, button(page, "Adresses dans l’ordre (CSV)"))
    rows = list(csv.DictReader(io.StringIO(stops.read_text())))
    assert {row["turf_id"] for row in rows} == {code}
    assert returned(site, typed(tmp_path, code, rows[0]["building_id"]))["recorded"] == 1
    click(page.get_by_role("link", name="Accueil", exact=True))
    expect(page.get_by_text(re.compile(f"^{before + 1} commencés?"))).to_be_visible()
    assert click.count <= 8
    assert site.outside == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_canvasser_opens_ticks_saves_and_the_file_goes_back(
    visit, phone, site, tmp_path, scheme
):
    page, click = visit("/secteurs", color_scheme=scheme), Clicks()
    code = ready(site)[0]
    choose_turf(page, click, code)
    click(button(page, "Préparer les carnets de téléphone"))
    phrase = page.locator(
        ".st-key-phone_books ~ * [data-testid=stCode], [data-testid=stCode]"
    ).first
    expect(phrase).to_be_visible(timeout=60_000)
    packed = click.download(page, button(page, "Carnets de téléphone (zip)"))
    assert click.count <= 4
    with zipfile.ZipFile(packed) as archive:
        archive.extract(f"{code}.html", tmp_path)
    book = unlock(
        phone(tmp_path / f"{code}.html", color_scheme=scheme), phrase.inner_text().strip()
    )  # a click
    for outcome in ("absent", "refus"):
        tap(book, outcome)
    assert far(book).startswith("2 faites")
    turn(book, "Rendre")
    with book.expect_download() as waiting:
        button(book, "Enregistrer le fichier à rendre").click()
    waiting.value.save_as(tmp_path / "retour.relance.json")  # five touches in all
    assert returned(site, tmp_path / "retour.relance.json")["recorded"] == 2
    assert returned(site, tmp_path / "retour.relance.json")["recorded"] == 0
    assert code not in ready(site)  # it is begun: no other cut takes it
    assert site.outside == []


def test_two_people_on_one_turf_lose_nothing_and_who_comes_second_is_told(visit, site, tmp_path):
    wait_for_polish(visit)
    one, other = ready(site)[:2]
    first, second = visit("/retouche"), visit("/retouche")
    for page in (first, second):
        page.get_by_text("Secteurs entiers").click()
        page.locator("[data-test-script-state=notRunning]").wait_for(state="attached")
        chosen = page.locator(".st-key-hand_turfs input")
        chosen.click()
        chosen.press_sequentially(one)
        page.get_by_role("option", name=one).first.click()
        chosen.press("Escape")
        expect(button(page, "Partager")).to_be_enabled()
    doors = load_hand_board(site.town).turfs["n_doors"].sum()
    button(first, "Partager").click()
    expect(first.get_by_text("Partagé")).to_be_visible()
    made = load_hand_board(site.town).versions
    button(second, "Partager").click()
    told = second.get_by_text("Changés entre-temps")
    expect(told).to_contain_text(one)
    assert load_hand_board(site.town).versions == made
    first.get_by_role("button", name=re.compile("^Annuler")).click()
    expect(first.get_by_text("comme avant")).to_be_visible()
    assert load_hand_board(site.town).turfs["n_doors"].sum() == doors

    asking = visit("/secteurs")  # and one who cuts while a pair hands its sheet in
    button(asking, "Découper les secteurs").click()
    yes = button(asking, "Retirer et découper")
    expect(yes).to_be_visible()
    handed = asking.get_by_text("seront retirés").inner_text()
    begun_now = re.findall(r"S\d+", handed)[0]
    assert returned(site, typed(tmp_path, begun_now, a_door_of(site, begun_now)))["recorded"] == 1
    yes.click()
    expect(asking.get_by_text("ne sont plus ceux qu’on vous a dits")).to_be_visible(timeout=90_000)
    kept = load_hand_board(site.town).turfs.set_index("turf_id")
    assert kept.loc[begun_now, "status"] == "in_progress"
    assert other in kept.index
