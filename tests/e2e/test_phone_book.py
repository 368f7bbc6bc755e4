"""A walk with a phone book: a file in a real browser, offline, and its return through the command."""

from __future__ import annotations

import base64
import json
import os
import re
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
import segno
from click.testing import CliRunner
from segno import encoder

from targeting.cli.app import cli
from targeting.exports.phone_book import DAYS_OPEN, page_script, write_phone_books
from targeting.field.phone_return import parse_return, sealed_of_file, sealed_of_frames
from targeting.field.sealing import ID_BYTES, book_id_of, book_key, open_sealed
from targeting.store.engine import open_store, reading, write
from targeting.store.models import Visit
from targeting.store.visits import bind_books
from targeting.workflows.outings.phone_secret import make_secret
from targeting.workflows.outings.phonebooks import bound_to
from tests.field.phones import PHRASE, PHRASE_TEXT
from tests.field.turfs import HOUSES, book, visits

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=30_000)

SHOUT = "Rue <img src=x onerror=alert(1)></script><script>alert(2)</script>"
TOWER = [("Cours Haut", 7, 400, (108, 80))]
TAP_MS = 400


@pytest.fixture
def secret(workspace):
    return make_secret(workspace)


@pytest.fixture
def written(tmp_path, secret, workspace):
    """Writes a book, bound to its doors, and gives its file."""

    def write_book(*places, language="fr", days_ago=0, **options):
        built, book_id = book(places or HOUSES, **options), os.urandom(ID_BYTES)
        made = datetime.now(UTC) - timedelta(days=days_ago)
        noted = [bound_to(built, book_id, made)]
        write(open_store(workspace), lambda session: bind_books(session, noted))
        (path,) = write_phone_books(
            tmp_path, [built], secret=secret, phrase=PHRASE, today=made.date(),
            language=language, book_ids=[book_id],
        )  # fmt: skip
        return path

    return write_book


def unlock(page, phrase=PHRASE_TEXT):
    page.locator("#phrase").fill(phrase)
    page.get_by_role("button", name=re.compile("Ouvrir|Open")).click()
    expect(page.locator("nav")).to_be_visible()
    return page


def tap(page, name):
    """A tap as a hand makes it: not two within a blink."""
    page.wait_for_timeout(TAP_MS)
    page.get_by_role("button", name=name, exact=True).click()


def turn(page, view):
    page.locator("nav").get_by_role("button", name=view).click()


def far(page):
    return page.locator(".far").inner_text().replace("\u00a0", " ")


def given(page, folder, name="retour.json"):
    turn(page, "Rendre")
    with page.expect_download() as download:
        page.get_by_role("button", name="Enregistrer le fichier à rendre").click()
    assert re.fullmatch(
        r"retour-S0001-\d{8}-\d{4}\.relance\.json", download.value.suggested_filename
    )
    download.value.save_as(folder / name)
    return folder / name


def returned(workspace, *paths):
    told = CliRunner().invoke(
        cli, ["--workspace", str(workspace.root), "returns", *map(str, paths), "--json"]
    )
    assert told.exit_code == 0, told.output
    return json.loads(told.stdout)


def recorded(workspace):
    with reading(open_store(workspace)) as session:
        return sorted((v.door_id, v.outcome) for v in session.query(Visit).all())


def test_nothing_of_the_turf_is_on_the_page_before_the_phrase_and_nobody_after(written, secret):
    path = written(seen=visits(("b3/3", 8, "not_home")), closed={3: [2]})
    text = path.read_text()
    sealed = re.search(r'"sealed": "([^"]+)"', text)[1]
    clear = text.replace(page_script(), "").replace(sealed, "")
    for told in ("Rue", "Cours", "S0001", "Une campagne", "École", "absent", "b3", "99001"):
        assert told not in re.sub("sha256-[^']+", "", clear), told
    sealed = base64.b64decode(sealed)
    content = json.loads(open_sealed(sealed, book_key(secret, book_id_of(sealed)), "book"))
    assert set(content["stops"][0]) == {
        "order", "building", "address", "street", "side", "side_word", "about", "x", "y", "groups",
    }  # fmt: skip
    assert set(content["stops"][0]["groups"][0]["doors"][0]) == {
        "number",
        "place",
        "closed",
        "memory",
    }
    assert [d["memory"] for g in content["stops"][2]["groups"] for d in g["doors"]] == [
        "", "", "dernier passage 24/08/2026\u00a0: absent",
    ]  # fmt: skip
    said = json.dumps(content, ensure_ascii=False)
    assert not re.search(r"score|priorit|abstention|99001_0012|\b0[1-9](?: ?\d\d){4}\b|@", said)


def test_a_wrong_phrase_says_so_and_loses_nothing(written, phone):
    page = phone(written())
    page.locator("#phrase").fill("sapin fusee roche lunes")
    page.get_by_role("button", name="Ouvrir").click()
    expect(page.locator("#told")).to_contain_text("Rien n’est perdu")
    unlock(page, "  Sapin-FUSÉE roche lune ")


def test_a_damaged_file_and_a_browser_without_cryptography_say_the_way_out(
    written, phone, tmp_path
):
    path = written()
    text = path.read_text()
    at = text.index('"sealed": "') + 900
    damaged = tmp_path / "damaged.html"
    damaged.write_text(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])
    page = phone(damaged)
    page.locator("#phrase").fill(PHRASE_TEXT)
    page.get_by_role("button", name="Ouvrir").click()
    expect(page.locator("#told")).to_contain_text("abîmé")
    context = page.context.browser.new_context(offline=True)
    context.add_init_script("Object.defineProperty(crypto, 'subtle', {value: undefined})")
    bare = phone(path, context=context)
    expect(bare.get_by_role("alert")).to_contain_text("https")
    context.close()


def test_a_whole_walk_from_the_first_door_to_the_desk(written, phone, workspace, tmp_path):
    page = unlock(phone(written(closed={3: [2]})))
    assert far(page) == "0 faites · 18 à faire · ≈ 119 min"
    tap(page, "absent")
    expect(page.locator("h1")).to_contain_text("2 Rue Basse")
    tap(page, "échange")
    tap(page, "refus")
    expect(page.locator("h2").first).to_have_text("porte n° 3")  # 2 is not to be knocked at
    tap(page, "Annuler")
    expect(page.locator("h2").first).to_have_text("porte n° 1")
    tap(page, "ne plus revenir")
    tap(page, "absent")
    tap(page, "Personne dans cet immeuble (14 portes)")
    expect(page.locator("h1")).to_have_text("Toutes les portes ont un résultat")
    assert far(page) == "18 faites · 0 à faire · ≈ 0 min"
    expect(page.locator(".fresh")).to_contain_text("Pas encore rendu")
    path = given(page, tmp_path)
    expect(page.get_by_text("Tout est dans le dernier fichier").first).to_be_visible()
    assert returned(workspace, path)["recorded"] == 18
    assert returned(workspace, path)["recorded"] == 0
    assert recorded(workspace) == sorted(
        [("b1/1", "not_home"), ("b2/1", "talked"), ("b3/1", "do_not_contact"), ("b3/3", "not_home")]
        + [(f"b4/{n}", "not_home") for n in range(1, 15)]
    )


def test_what_was_noted_is_back_when_the_page_is_opened_again(written, phone, workspace, tmp_path):
    path = written()
    page = unlock(phone(path))
    tap(page, "absent")
    tap(page, "échange")
    page.wait_for_timeout(300)
    kept = page.evaluate("JSON.stringify(localStorage)")
    assert "talked" not in kept
    assert "Rue" not in kept
    page.close()
    page = unlock(phone(path, context=page.context))
    assert far(page).startswith("2 faites")
    tap(page, "Annuler")
    tap(page, "Annuler")
    assert far(page).startswith("0 faites")
    expect(page.get_by_role("button", name="Annuler")).to_be_disabled()
    assert returned(workspace, given(page, tmp_path))["rows"] == 0


def test_two_phones_on_one_turf_are_merged_and_an_undo_after_an_export_is_withdrawn(
    written, phone, workspace, tmp_path
):
    path = written()
    one, two = unlock(phone(path)), unlock(phone(path))
    tap(one, "absent")
    tap(one, "échange")
    tap(two, "refus")
    early = given(one, tmp_path, "early.json")
    assert returned(workspace, early)["recorded"] == 2
    facts = returned(workspace, given(two, tmp_path, "two.json"))
    assert facts["conflicts"] == [{"door_id": "b1/1", "outcomes": ["not_home", "refused"]}]
    turn(one, "Porte")
    tap(one, "Annuler")
    late = given(one, tmp_path, "late.json")
    assert returned(workspace, late)["withdrawn"] == 1
    early.write_text(early.read_text() + " ")
    assert returned(workspace, early)["recorded"] == 0
    assert recorded(workspace) == [("b1/1", "not_home"), ("b1/1", "refused")]


def test_two_windows_of_one_phone_lose_nothing(written, phone):
    path = written()
    one = unlock(phone(path))
    two = unlock(phone(path, context=one.context))
    tap(one, "absent")
    expect(two.locator(".far")).to_contain_text("1 faites")
    turn(two, "Porte")
    two.locator(".steps").get_by_role("button", name="Suivante").click()
    tap(two, "échange")
    expect(one.locator(".far")).to_contain_text("2 faites")


def test_an_old_answer_can_be_erased_put_back_or_followed_by_another_knock(
    written, phone, workspace, tmp_path
):
    page = unlock(phone(written()))
    tap(page, "absent")
    tap(page, "Précédente")
    tap(page, "Effacer")
    assert far(page).startswith("0 faites")
    tap(page, "Annuler")
    assert far(page).startswith("1 faites")
    tap(page, "échange")
    assert far(page).startswith("1 faites")
    assert returned(workspace, given(page, tmp_path))["recorded"] == 2
    assert recorded(workspace) == [("b1/1", "not_home"), ("b1/1", "talked")]


def test_a_second_tap_in_a_blink_is_a_slip(written, phone):
    page = unlock(phone(written()))
    page.get_by_role("button", name="absent", exact=True).dblclick(delay=5)
    assert far(page).startswith("1 faites")


def test_a_floor_or_a_side_of_the_street_in_one_action(written, phone):
    floors = pd.DataFrame(
        [("b4", "A", floor, f"{floor}{side}") for floor in (2, 1, 0) for side in "gd"],
        columns=["building_id", "staircase", "floor", "label"],
    ).assign(commune_code="99001")
    places = [*HOUSES[:3], ("Cours Haut", 7, 6, (108, 80)), ("Rue Basse", 6, 2, (70, 48))]
    page = unlock(phone(written(*places, described=floors)))
    turn(page, "Liste")
    page.locator("summary").nth(3).click()
    assert page.locator("details").nth(3).locator("h2").all_inner_texts() == [
        "esc. A · étage 2", "esc. A · étage 1", "esc. A · rez-de-chaussée",
    ]  # fmt: skip
    page.locator("details").nth(3).get_by_role("button", name="porte 2d").click()
    tap(page, "Personne à cet étage (2 portes)")
    assert far(page).startswith("2 faites")
    expect(page.locator("h2").first).to_have_text("esc. A · étage 1 · porte 1d")
    tap(page, "Personne dans cet immeuble (4 portes)")
    assert far(page).startswith("6 faites")
    turn(page, "Liste")
    page.locator("summary").nth(1).click()
    page.locator("details").nth(1).get_by_role("button", name="porte unique").click()
    tap(page, "absent")
    tap(page, "Personne, côté pair, Rue Basse (5 portes)")
    assert far(page) == "12 faites · 1 à faire · ≈ 10 min"
    tap(page, "Annuler")
    assert far(page).startswith("7 faites")


def test_themes_are_of_the_turf_and_stay_on_the_phone_below_eleven_talks(
    written, phone, workspace, tmp_path, secret
):
    page = unlock(phone(written()))
    tap(page, "échange")
    page.get_by_text("Thèmes entendus dans tout le secteur").click()
    page.get_by_role("button", name="Plus un : logement").click()
    page.get_by_text("Signaler une erreur de la liste").click()
    page.get_by_role("button", name="Bâtiment démoli ou muré").click()
    facts = returned(workspace, given(page, tmp_path))
    assert facts["themes"] == {}
    assert facts["corrections"] == [{"building_id": "b2", "kind": "demolished"}]
    turn(page, "Porte")
    for _ in range(10):
        tap(page, "échange")
    path = given(page, tmp_path, "more.json")
    assert returned(workspace, path)["themes"] == {"housing": 1}
    sealed = sealed_of_file(path.read_text())
    plain = parse_return(open_sealed(sealed, book_key(secret, book_id_of(sealed)), "return"))
    assert {k.outcome for k in plain.knocks} == {"talked"}


def test_names_of_streets_are_never_markup(written, phone):
    places = [(SHOUT, 2, 1, (20, 48)), (SHOUT, 4, 3, (60, 48))]
    page = unlock(phone(written(*places, campaign=SHOUT)))
    for view in ("Porte", "Liste", "Carte", "Rendre"):
        turn(page, view)
        assert page.locator("img, #app script").count() == 0
    turn(page, "Porte")
    expect(page.locator("h1")).to_contain_text("<img src=x")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#paper tbody tr").count() == 4
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("width", [320, 360, 390])
def test_nothing_is_wider_than_the_phone_and_every_button_is_big(written, phone, width):
    places = [*HOUSES, ("Avenue du Général-de-Division-Anticonstitutionnellement", 11, 3, (90, 10))]
    page = unlock(phone(written(*places), width=width))
    for view in ("Porte", "Liste", "Carte", "Rendre"):
        turn(page, view)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, view
        small = page.locator("button:visible").evaluate_all(
            "all => all.filter(b => b.offsetHeight < 44 || b.offsetWidth < 44).map(b => b.innerText)"
        )
        assert small == [], view
    page.evaluate("document.documentElement.style.setProperty('font-size', '32px')")
    turn(page, "Porte")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_map_has_the_numbers_of_the_paper_and_leads_to_a_stop(written, phone):
    page = unlock(phone(written()))
    turn(page, "Carte")
    assert page.locator(".chip text").all_text_contents() == ["1", "2", "3", "4"]
    expect(page.locator(".chip.here text")).to_have_text("1")
    before = page.locator(".frame svg").get_attribute("viewBox")
    page.get_by_role("button", name="Tout le secteur").click()
    assert page.locator(".frame svg").get_attribute("viewBox") != before
    page.locator(".chip", has_text="4").click()
    expect(page.locator("h1")).to_contain_text("7 Cours Haut")


def test_four_hundred_doors_at_one_address_are_walked(written, phone):
    page = unlock(phone(written(*TOWER)))
    for _ in range(3):
        tap(page, "absent")
    turn(page, "Liste")
    assert page.locator(".row").count() == 400
    tap(page, "Personne ici (397 portes)")
    assert far(page).startswith("400 faites")


def test_the_keyboard_is_enough(written, phone):
    page = phone(written())
    page.locator("#phrase").fill(PHRASE_TEXT)
    page.keyboard.press("Enter")
    expect(page.locator("nav")).to_be_visible()
    page.keyboard.press("1")
    page.wait_for_timeout(TAP_MS)
    page.keyboard.press("2")
    assert far(page).startswith("2 faites")
    page.keyboard.press("u")
    assert far(page).startswith("1 faites")
    page.keyboard.press("ArrowRight")
    expect(page.locator("h1")).to_contain_text("4 Rue Basse")
    assert page.locator("html").get_attribute("lang") == "fr"


def test_without_storage_the_page_works_and_says_what_to_mind(
    written, phone, chromium, workspace, tmp_path
):
    context = chromium.new_context(offline=True, accept_downloads=True)
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked'); }})"
    )
    page = unlock(phone(written(), context=context))
    expect(page.locator(".warnings")).to_contain_text("ne fermez pas cette page")
    tap(page, "absent")
    assert returned(workspace, given(page, tmp_path))["recorded"] == 1
    context.close()


def test_the_codes_shown_are_the_return(written, phone, workspace, tmp_path):
    page = unlock(phone(written(*TOWER)))
    turn(page, "Liste")
    tap(page, "Personne ici (400 portes)")
    page.evaluate(
        "{ const plain = frames; frames = (sealed) => (globalThis.shown = plain(sealed)); } 0"
    )
    turn(page, "Rendre")
    page.get_by_role("button", name="Montrer les codes").click()
    expect(page.locator(".code svg")).to_be_visible()
    texts = page.evaluate("shown")
    assert len(texts) > 5
    expect(page.locator(".chain output")).to_have_text(f"Code 2/{len(texts)}")
    page.get_by_role("button", name="Pause").click()
    place = page.locator(".chain output").inner_text()
    shown = page.locator(".code path").get_attribute("d")
    number = int(re.match(r"Code (\d+)/", place)[1])
    square = page.evaluate("(text) => qrSquare(text)", texts[number - 1])
    dark = "".join(
        f"M{x + 4} {y + 4}h1v1h-1z"
        for y, row in enumerate(square)
        for x, bit in enumerate(row)
        if bit
    )
    assert shown == dark
    scanned = tmp_path / "scan.txt"
    scanned.write_text("\n".join(reversed(texts)))
    assert returned(workspace, scanned)["recorded"] == 400
    assert len(sealed_of_frames(scanned.read_text())) == 1


def test_codes_are_those_of_the_standard(written, phone, monkeypatch):
    """Square by square as segno makes them, whose filling is mended: where the text ends on a byte
    it adds eight zeros that ISO/IEC 18004 7.4.10 does not have."""
    monkeypatch.setattr(
        encoder,
        "write_padding_bits",
        lambda buff, _version, length: buff.extend([0] * (-length % 8)),
    )
    page = phone(written())
    signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ:"
    texts = [
        "Z" + (signs * 40)[n : n + size - 1]  # never digits alone, which segno packs otherwise
        for n, size in enumerate([*range(1, 60), *range(60, 1250, 17), 396, 859, 1249])
    ]
    versions = set()
    for text in texts:
        wanted = segno.make(
            text, error="l", micro=False, mask=2, mode="alphanumeric", boost_error=False
        )
        versions.add(wanted.version)
        assert page.evaluate("(text) => qrSquare(text)", text) == [list(r) for r in wanted.matrix]
    assert versions == set(range(1, 21))


def test_the_page_speaks_english_too(written, phone):
    page = unlock(phone(written(language="en")))
    expect(page.get_by_role("button", name="not home")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"


def test_erasing_the_book_from_the_phone_asks_twice(written, phone):
    path = written()
    page = unlock(phone(path))
    tap(page, "absent")
    turn(page, "Rendre")
    page.get_by_role("button", name="Effacer ce carnet de ce téléphone").click()
    expect(page.locator(".sure")).to_contain_text("ils seront perdus")
    page.get_by_role("button", name="Effacer", exact=True).click()
    unlock(page)
    assert far(page).startswith("0 faites")


def test_a_clock_far_off_is_told_at_the_desk(written, phone, workspace, tmp_path, chromium):
    context = chromium.new_context(offline=True, accept_downloads=True)
    ahead = datetime.now(UTC) + timedelta(days=5)
    page = phone(written(), context=context)
    page.clock.install(time=ahead)
    unlock(page)
    page.clock.fast_forward(1000)
    page.get_by_role("button", name="absent", exact=True).click()
    path = given(page, tmp_path)
    told = CliRunner().invoke(cli, ["--workspace", str(workspace.root), "returns", str(path)])
    assert (told.exit_code, "--received-at" in told.stderr) == (2, True)
    assert date.today() < ahead.date()
    context.close()


def test_a_book_past_its_last_day_says_so_takes_nothing_and_gives_back_what_it_has(
    written, phone, tmp_path
):
    path = written(days_ago=DAYS_OPEN)
    page = unlock(phone(path))
    tap(page, "absent")
    page.wait_for_timeout(TAP_MS)
    page.clock.set_system_time(datetime.now() + timedelta(days=2))
    page.reload()
    again = unlock(page)
    expect(again.locator(".over")).to_contain_text("Ce carnet est terminé")
    file = given(again, tmp_path)
    assert len(sealed_of_file(file.read_text())) > 200
    turn(again, "Porte")
    expect(again.locator(".over")).to_be_visible()
    expect(again.locator(".outcomes")).to_have_count(0)
    again.keyboard.press("1")
    expect(again.locator(".over")).to_be_visible()
    assert far(again).startswith("1")
