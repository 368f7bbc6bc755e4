"""Walk books as PDF pages, read back: every door once, in order, with what a sheet must carry."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pypdfium2
import pytest
import segno

from targeting.exports.walk_pages import BODY_MM, count_pages, list_pages
from targeting.exports.walk_pdf import INDEX_ROWS, page_code, write_packet
from targeting.field.books import WalkBook
from targeting.locale import text_in
from targeting.outcomes import OUTCOMES
from tests.field.turfs import DAY, HOUSES, book, visits

CODE = re.compile(r"(?<!\S)(\d+\.\d+)(?!\S)")
MM = 72 / 25.4


def written(folder: Path, *books: WalkBook, language: str = "fr") -> Path:
    return write_packet(folder / "packet.pdf", books, today=DAY, language=language)[0]


def texts(path: Path) -> list[str]:
    """The text of each page, spaces made plain."""
    pdf = pypdfium2.PdfDocument(path)
    return [_plain(page.get_textpage().get_text_range()) for page in pdf]


def _plain(text: str) -> str:
    return re.sub(r"[^\S\n]+", " ", text.replace("\r\n", "\n").replace("\u00a0", " "))


def spelled(built: WalkBook) -> list[str]:
    return [f"{s.order}.{d.number}" for s in built.stops for d in s.doors]


def map_text(page: pypdfium2.PdfPage) -> str:
    """What stands inside the map's frame: below the header, above the legend."""
    top, bottom = 297 - 10 - 46.5, 297 - 10 - 46.5 - 175
    return page.get_textpage().get_text_bounded(10 * MM, bottom * MM, 200 * MM, top * MM)


def codes(pages: Sequence[str]) -> list[str]:
    return [code for page in pages[1:-1] for code in CODE.findall(page)]


def test_every_door_is_printed_once_in_order_with_its_number(tmp_path):
    built = book(closed={3: [2]}, seen=visits(("b3/3", 8, "not_home")))
    pages = texts(written(tmp_path, built))
    assert codes(pages) == spelled(built)
    assert len(pages) == count_pages(built) == 4
    lists = "\n".join(pages[1:-1])
    assert lists.count("NE PAS FRAPPER") == 1
    assert "dernier passage 24/08/2026 : absent" in lists
    assert lists.count("7 Cours Haut") == 14 + 2  # its heading stands again on the second page
    assert lists.count("(suite)") == 1
    assert "côté impair · ≈ 14 logements" in lists


def test_every_page_says_what_it_is_and_what_people_may_ask(tmp_path):
    built = book()
    pages = texts(written(tmp_path, built))
    for number, page in enumerate(pages[:-1], 1):
        for wanted in (
            "S0001", "Une campagne", "Carnet de porte-à-porte", "1 septembre 2026", f"version {built.edition}",
            f"page {number}/4", f"S0001/V{built.edition}/P{number}", "12 (École des Tanneurs)", "Binôme :",
            "Responsable :", "Téléphone :", "À rendre à :", "1 Rue Basse", "≈ 119 min",
            "19 portes", "4 bâtiments", "Arrêt légal : 17 avril 2027 à 0 h", "s’opposer",
            "Ne pas photographier", "CNIL",
        ):  # fmt: skip
            assert wanted in page, (number, wanted)
    assert "© OpenStreetMap contributors, ODbL" in pages[0]
    assert "veille du scrutin à 0 h" in texts(written(tmp_path, book(ballot_date=None)))[0]


def test_the_map_page_names_the_streets_and_numbers_the_buildings(tmp_path):
    page = texts(written(tmp_path, book()))[0]
    for word in (
        "Rue Basse",
        "Cours Haut",
        "Rue d'Ailleurs",
        "DÉPART",
        "ARRIVÉE",
        "50 m",
        "logement",
    ):
        assert word in page
    chips = pypdfium2.PdfDocument(tmp_path / "packet.pdf")[0]
    assert set(re.findall(r"(?<![\w.])[1-4](?![\w.])", map_text(chips))) == {"1", "2", "3", "4"}


def test_a_line_has_one_box_for_each_outcome_and_no_more_on_a_person(tmp_path):
    pages = texts(written(tmp_path, book()))
    first = pages[1]
    for outcome in OUTCOMES:
        word = text_in("fr", f"outcome.{outcome}").split()[0]
        assert first.count(word) >= 12, word
    assert "une seule case par porte" in first
    for page in pages[:-1]:
        for word in ("Nom :", "Prénom", "Courriel", "score", "priorité", "abstention"):
            assert word not in page, word


def test_the_consent_slips_stand_apart(tmp_path):
    slips = texts(written(tmp_path, book()))[-1]
    for word in ("Prénom :", "Nom :", "Téléphone :", "courriel", "SMS", "Date :", "Initiales"):
        assert slips.count(word) >= 4, word
    assert slips.count("effacées après le scrutin") == 4
    assert "Rue Basse" not in slips


def test_a_book_can_be_in_english(tmp_path):
    pages = texts(written(tmp_path, book(closed={3: [2]}), language="en"))
    assert "DO NOT KNOCK" in pages[1]
    assert "Legal stop" in pages[0]
    assert "page 2/4" in pages[1]
    assert "Binôme" not in "".join(pages)


# -- odd turfs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "places",
    [
        [("Rue Basse", 1, 1, (20, 30))],
        [("Rue Basse", 1, 400, (20, 30))],
        [("Rue Basse", n, 2, (20, 30)) for n in range(1, 30)],
        [("Rue Basse", n, 1 + n % 3, (n * 9.0, 30 + 18 * (n % 2))) for n in range(1, 70)],
    ],
    ids=["one door", "400 doors", "one point", "69 buildings"],
)  # fmt: skip
def test_any_turf_has_all_its_doors_on_pages_that_hold_them(tmp_path, places):
    built = book(places)
    pages = texts(written(tmp_path, built))
    assert codes(pages) == spelled(built)
    assert len(pages) == count_pages(built)
    for rows in list_pages(built):
        assert sum(row.height for row in rows) <= BODY_MM
        assert rows[0].door is None or rows[0].stop.is_house
        assert rows[-1].door is not None


HOSTILE = (
    '"Rue" #let x = 1 $y$ *gras* _it_ @ref <label> \\ // [c]', "\u202erue de droite", "شارع الحرية",
    "רחוב", "=CMD()", "<script>alert(1)</script>", "Rue & Cie ]]> {accolade}", "R" * 400,
    "Rue\nà\tla\rligne", "- tiret", "1. liste",
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_street_is_called_it_is_printed_as_text(tmp_path, name):
    plain_book = book([("Rue Basse", n, 1, (n * 20.0, 30)) for n in range(1, 20)])
    built = book([(name, n, 1, (n * 20.0, 30)) for n in range(1, 20)], campaign=name)
    pages = texts(written(tmp_path, built))
    assert codes(pages) == spelled(built)
    assert len(pages) == count_pages(plain_book)
    if name.isascii() and len(name) < 80:
        told = re.sub(r"\s+", "", name)
        assert re.sub(r"\s+", "", pages[1]).count(told) >= 13
        assert told in re.sub(r"\s+", "", pages[0])
    assert "\u202e" not in "".join(pages)


def test_the_template_keeps_every_character_that_french_needs(tmp_path):
    name = "Œuvre d’Été – l’Haÿ « çà » n° 5 · €"
    page = texts(written(tmp_path, book([(name, 3, 1, (20, 30))])))[1]
    assert name.replace("\u00a0", " ") in page


# -- codes and bytes -------------------------------------------------------------------------------


def printed_modules(page: pypdfium2.PdfPage, size: int) -> list[list[bool]]:
    """Dark or light, module by module, where the page has its QR: 20 mm, top right."""
    scale = 8.0
    image = page.render(scale=scale).to_pil().convert("L")
    side = 20 * MM * scale / (size + 4)  # two light modules around
    left, top = (210 - 10 - 20) * MM * scale, 10 * MM * scale
    return [
        [
            image.getpixel((int(left + (x + 2.5) * side), int(top + (y + 2.5) * side))) < 128
            for x in range(size)
        ]
        for y in range(size)
    ]


def test_the_code_of_each_page_is_that_of_its_turf_version_and_page(tmp_path):
    built = book()
    pdf = pypdfium2.PdfDocument(written(tmp_path, built))
    for number in (1, 2, 3):
        assert page_code(built, number) == f"S0001/V{built.edition}/P{number}"
        wanted = segno.make(
            f"S0001/V{built.edition}/P{number}", error="m", micro=False, mask=2
        ).matrix
        printed = printed_modules(pdf[number - 1], len(wanted))
        assert printed == [[bool(m) for m in row] for row in wanted]


def test_the_same_books_and_day_give_the_same_bytes(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert (
        written(tmp_path / "a", book()).read_bytes() == written(tmp_path / "b", book()).read_bytes()
    )


@pytest.mark.slow
def test_a_packet_has_its_turfs_in_front_and_a_file_for_each(tmp_path):
    books = [book(turf_id=f"S{n:04d}") for n in range(1, INDEX_ROWS + 3)]
    paths = write_packet(tmp_path / "all.pdf", books, today=DAY, beside=True)
    assert [p.name for p in paths] == ["all.pdf", *(f"{b.turf_id}.pdf" for b in books)]
    pages = texts(paths[0])
    assert len(pages) == 2 + 4 * len(books)
    for n, built in enumerate(books):
        row = re.search(rf"^{built.turf_id}\s+(\d+)\s", "\n".join(pages[:2]), re.MULTILINE)
        assert row is not None
        assert int(row[1]) == 3 + 4 * n
        assert f"{built.turf_id}/V{built.edition}/P1" in pages[int(row[1]) - 1]
    assert texts(paths[-1]) == pages[-4:]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in paths)


def test_a_house_has_one_line_and_a_building_its_heading():
    rows = [row.code for page in list_pages(book(HOUSES[:3])) for row in page]
    assert rows == ["1.1", "2.1", "3", "3.1", "3.2", "3.3"]
