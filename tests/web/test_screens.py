"""Each screen on the invented town, and on workspaces that lack something."""

import json
import re
import shutil
from concurrent.futures import Future
from datetime import date

import pytest
from streamlit.testing.v1 import AppTest

from targeting.config import PROJECT, Workspace
from targeting.locale import count_in, text_in
from targeting.maps import view
from targeting.maps.filters import Filters
from targeting.maps.measures import metric_key
from targeting.maps.view import View
from targeting.reference.checksums import seal_sheet, sheet_path
from targeting.reference.credits import credits
from targeting.reference.sheets import dump_sealed, load_sealed
from targeting.store import cipher
from targeting.store.engine import forget_engines
from targeting.web import kept
from targeting.web import workbench as bench
from targeting.workflows.home import load_holdings
from targeting.workflows.marks import workspace_mark, workspace_marks
from targeting.workflows.setup import campaign_card, init_workspace
from targeting.workflows.stations.board import load_board
from targeting.workflows.stations.past import load_past
from targeting.workflows.turfs import polishing
from tests.web.conftest import shown_map


def words(test):
    """Everything that a screen says."""
    kinds = ("markdown", "text", "caption", "header", "subheader", "info", "warning", "error",
             "success", "code")  # fmt: skip
    said = [element.value for kind in kinds for element in test.get(kind)]
    return "\n".join(str(s) for s in said)


def calm(test):
    """No exception, and no error shown."""
    assert not test.exception, [e.value for e in test.exception]
    assert not test.error
    return words(test)


# -- home ------------------------------------------------------------------------------------------


def test_home_without_a_workspace_leads_to_the_files_without_a_terminal(
    tmp_path, monkeypatch, screen
):
    root = tmp_path / "none yet"
    monkeypatch.setenv("RELANCE_WORKSPACE", str(root))
    test = screen()
    assert "python -m" not in calm(test)
    assert text_in("fr", "home.begin") in [link.label for link in test.get("page_link")]
    assert not root.exists()


def test_home_tells_the_town_and_that_it_is_invented(demo, screen):
    test = screen()
    said = calm(test)
    assert text_in("fr", "demo.banner") in said
    assert "Clairvigne-sur-Orvette" in said
    assert text_in("fr", "next.map") in said
    assert "63" in [t.value for t in test.text]


@pytest.mark.parametrize(
    ("day", "told", "law"),
    [(date(2026, 3, 13), "J−2", "desk.silence"), (date(2026, 3, 14), "J−1", "desk.silence_now"),
     (date(2026, 3, 15), "jour J", "desk.silence_now"), (date(2026, 3, 16), "J+1", "")],
)  # fmt: skip
def test_home_tells_the_days_left_and_from_when_one_is_silent(
    own_demo, screen, monkeypatch, day, told, law
):
    init_workspace(own_demo, ballot_date=date(2026, 3, 15))
    for module in ("words", "frame"):
        monkeypatch.setattr(f"targeting.web.{module}.today", lambda: day)
    test = screen()
    said = calm(test)
    assert test.metric[0].value == told
    assert f"{told} · " in said, "the frame and the desk say one thing"
    for key in ("desk.silence", "desk.silence_now"):
        assert (text_in("fr", key, day="14 mars 2026") in said) == (key == law)


def test_the_vote_is_chosen_on_home_and_chosen_again(own_demo, screen, monkeypatch):
    monkeypatch.setattr("targeting.web.ballot.today", lambda: date(2026, 3, 1))
    init_workspace(own_demo, ballot_date=None)
    test = screen()
    assert text_in("fr", "desk.set_day") in calm(test)
    test.button(key="ballot_keep").click().run()
    assert "quel" in "".join(w.value for w in test.warning)

    def boxes():
        [kind] = [b for b in test.selectbox if str(b.key).startswith("ballot_kind")]
        [day] = [b for b in test.date_input if str(b.key).startswith("ballot_day")]
        return kind, day

    kind, day = boxes()
    kind.set_value(("muni", 1))
    day.set_value(date(2026, 3, 15)).run()
    said = calm(test)
    assert text_in("fr", "ballot.second", day="22 mars 2026") in said
    test.button(key="ballot_keep").click().run()
    assert campaign_card(own_demo).ballot_date == date(2026, 3, 15)
    test.button(key="ballot_second").click().run()
    card = campaign_card(own_demo)
    assert (card.election_id, card.ballot_date) == ("2026_muni_t2", date(2026, 3, 22))
    assert f"municipales, {text_in('fr', 'round.2')} · 22 mars 2026" in calm(test)
    assert not test.warning


@pytest.mark.parametrize(("talks", "told"), [(10, "moins de 11 conversations"), (11, "11 conv")])
def test_home_does_not_tell_fewer_than_eleven_talks(own_demo, screen, talks, told):
    for number in range(talks):
        knock(own_demo, number, building=f"b{number}", outcome="talked")
    said = calm(screen())
    assert told in said
    assert f"{talks} conversations" in said or talks < 11
    assert text_in("fr", "desk.since_yesterday", doors=f"{talks} portes") in said


def test_home_asks_for_results_first(workspace, monkeypatch, screen):
    monkeypatch.setenv("RELANCE_WORKSPACE", str(workspace.root))
    assert load_holdings(workspace).step == "results"
    test = screen()
    said = calm(test)
    assert "python -m" not in said
    assert text_in("fr", "empty.go") in [link.label for link in test.get("page_link")]
    assert text_in("fr", "demo.banner") not in said


def test_a_campaign_that_does_not_open_says_why_with_the_frame_around(
    tmp_path, monkeypatch, screen, cheap_keys
):
    sealed = Workspace(tmp_path / "sealed")
    init_workspace(sealed, communes=["13055"])
    monkeypatch.setenv("RELANCE_WORKSPACE", str(sealed.root))
    calm(screen())
    monkeypatch.delenv("RELANCE_PASSPHRASE")
    cipher.forget_keys()
    forget_engines()
    test = screen()
    assert not test.exception
    assert "est chiffrée\xa0: donnez sa phrase secrète" in words(test)


def test_a_real_campaign_is_never_called_invented(workspace, monkeypatch, screen):
    init_workspace(workspace, name="*Marseille* [2026](http://example.org)")
    monkeypatch.setenv("RELANCE_WORKSPACE", str(workspace.root))
    test = screen()
    assert "*Marseille* [2026](http://example.org)" in [t.value for t in test.text]


def test_the_town_votes_in_the_year_of_its_ballot(demo, screen):
    card = campaign_card(demo)
    assert card.election_id == f"{card.ballot_date.year}_muni_t1"
    said = calm(screen())
    assert said.count(str(card.ballot_date.year)) >= 3  # the ballot, its day, and the day before


def test_a_source_is_credited_once(own_demo):
    for path in list(own_demo.reference.rglob("*.json"))[:2]:
        sheet = load_sealed(path.read_text())
        credit = {"credit": "Ville d’Ici, ODbL · VILLE D'ICI,  ODbL."}
        path.write_text(dump_sealed(sheet | credit))
    said = [c.casefold() for c in credits(own_demo)]
    assert sum("ville d" in c for c in said) == 1


# -- map -------------------------------------------------------------------------------------------


def test_the_map_shows_every_station_and_its_legend(demo, screen):
    test = screen("carte")
    calm(test)
    board = load_board(demo)
    assert len(test.dataframe[0].value) == len(board.table)
    shown = shown_map(test)
    assert "13 bureaux" in [entry["count"] for entry in shown["legend"]["entries"]]
    assert "Sources" in shown["credits"]
    assert [f"/assets/{p.name}" for p in demo.maps.glob("bench-*.json")] == [shown["url"]]


def test_choosing_a_station_by_its_name_opens_its_card(demo, screen):
    test = screen("carte")
    first = load_board(demo).table.index[0]
    said = calm(test.selectbox(key="named").set_value(first).run())
    assert "Pourquoi ce rang" in said
    assert "**1er** sur 62 par priorité" in said
    assert shown_map(test)["sel"] == [first]


def in_address(test, name):
    """What the page's address holds, whether the test or the page wrote it."""
    held = test.query_params[name]
    return held if isinstance(held, str) else held[0]


def touch(test, *stations):
    """The map says that these are chosen; AppTest has no hand for a component."""
    test.session_state["stations_chosen"] = list(stations)
    return test.run()


def test_a_station_touched_on_the_map_opens_its_card(demo, screen):
    test = screen("carte", lang="en")
    third = load_board(demo).table.index[2]
    assert "**3rd** of 62 by priority" in calm(touch(test, third))
    assert in_address(test, "b") == third


def test_a_link_opens_what_was_chosen_measured_and_filtered(demo, screen):
    first, second = load_board(demo).table.index[:2]
    test = screen("carte", b=f"{second},{first},99001_9999", m="left", abst="30")
    calm(test)
    shown = shown_map(test)
    assert (shown["sel"], shown["metric"]) == ([second, first], "left")
    assert test.slider(key="min_abstention").value == 30
    assert in_address(test, "b") == f"{second},{first}"
    assert "99001\\_9999" in words(test)


@pytest.mark.parametrize("broken", [{"m": "<script>"}, {"abst": "x"}, {"abst": "1e9"}, {"b": ",,"}])
def test_a_link_that_says_nonsense_opens_the_map_as_it_is(demo, screen, broken):
    test = screen("carte", **broken)
    calm(test)
    shown = shown_map(test)
    assert (shown["sel"], shown["metric"], shown["hidden"]) == ([], "priority", [])
    assert not set(broken) & set(test.query_params)


def test_filters_take_rows_away_and_keep_ranks(demo, screen):
    test = screen("carte")
    before = test.dataframe[0].value
    test.slider(key="min_abstention").set_value(60).run()
    after = test.dataframe[0].value
    assert 0 < len(after) < len(before)
    kept = before[before["Bureau"].isin(after["Bureau"])]
    assert list(after["Rang"]) == list(kept["Rang"])
    assert len(shown_map(test)["hidden"]) == len(before) - len(after)


def test_a_quarter_chosen_keeps_its_stations_and_stands_in_the_address(demo, screen):
    test = screen("carte")
    assert test.multiselect(key="quarter").options[:2] == ["Belair", "Cité des Cheminots"]
    test.multiselect(key="quarter").set_value(["Belair", "Vieille Ville"]).run()
    kept = test.dataframe[0].value
    board = load_board(demo)
    wanted = board.table["quarter"].isin(["Belair", "Vieille Ville"])
    assert 0 < len(kept) == int(wanted.sum()) < len(board.table)
    assert test.query_params["q"] == "Belair,Vieille Ville"
    legend = shown_map(test)["legend"]
    counts = [int(one["count"].split()[0]) for one in legend["entries"]]
    assert sum(counts) == len(kept)
    assert any("celles de toute la campagne" in note for note in legend["notes"])


def test_a_link_to_a_quarter_opens_it_and_one_that_is_gone_is_left(demo, screen):
    test = screen("carte", q="Belair,Atlantide")
    assert test.multiselect(key="quarter").value == ["Belair"]
    assert not test.exception


@pytest.mark.parametrize("metric", ["tide", "abstention", "left", "coverage"])
def test_every_metric_has_its_legend(demo, screen, metric):
    test = screen("carte")
    test.segmented_control(key="metric").set_value(metric).run()
    calm(test)
    legend = shown_map(test)["legend"]
    assert legend["title"] == text_in("fr", metric_key(metric, "title", "left"))
    assert len(legend["entries"]) >= 3
    assert in_address(test, "m") == metric


def test_the_map_without_results_tells_the_way_out(workspace, monkeypatch, screen):
    monkeypatch.setenv("RELANCE_WORKSPACE", str(workspace.root))
    said = calm(screen("carte"))
    assert text_in("fr", "map.no_results") in said
    assert "import results" in said


def drawn_by_pydeck(test):
    """What pydeck is given to draw."""
    (chart,) = test.get("deck_gl_json_chart")
    return chart.proto, json.loads(chart.proto.json)


@pytest.fixture
def no_library(monkeypatch):
    monkeypatch.setattr("targeting.web.ours.has_library", lambda: False)


def test_without_the_library_pydeck_draws_the_map_and_it_is_said(demo, screen, no_library):
    test = screen("carte")
    assert text_in("fr", "map.plain_mend") in calm(test)
    chart, deck = drawn_by_pydeck(test)
    assert [layer["id"] for layer in deck["layers"]][:2] == ["stations", "hatching"]
    assert len(chart.selection_mode) == 1
    assert "13 bureaux" in words(test)
    assert not [e for e in test.get("bidi_component") if e.proto.component_name == "relance_map"]


def test_without_the_library_the_chosen_are_outlined_and_the_filtered_left_out(
    demo, screen, no_library
):
    test = screen("carte", q="Belair", b=load_board(demo).table.index[0])
    calm(test)
    _, deck = drawn_by_pydeck(test)
    layers = {layer["id"]: layer for layer in deck["layers"]}
    assert {"chosen_under", "chosen"} <= set(layers)
    painted = json.loads((demo.maps / layers["stations"]["data"].rsplit("/", 1)[-1]).read_text())
    assert len(painted["features"]) == len(test.dataframe[0].value) < 63
    assert layers["outlines"]["data"] != layers["stations"]["data"]
    test.toggle(key="sure").set_value(True).run()
    calm(test)


def test_without_the_library_a_filter_that_nobody_passes_paints_nothing(
    demo, screen, no_library, monkeypatch
):
    test = screen("carte")
    nobody = Filters(min_abstention=1.01)
    monkeypatch.setattr(view, "view_of", lambda board, area, _: View(board, area, nobody))
    test.run()
    calm(test)
    _, deck = drawn_by_pydeck(test)
    assert "stations" not in [layer["id"] for layer in deck["layers"]]


def test_a_station_touched_on_pydecks_map_is_chosen_and_a_choice_elsewhere_frees_it(monkeypatch):
    state = {}
    monkeypatch.setattr(bench.st, "session_state", state)
    key = bench.deck_key()
    state[key] = {"selection": {"objects": {"stations": [{"properties": {"id": "13055_0101"}}]}}}
    bench.choose_on_deck(key)
    assert (state[bench.CHOSEN], bench.deck_key()) == (["13055_0101"], key)
    bench.choose(["13055_0102"])
    assert bench.deck_key() != key
    state[bench.deck_key()] = {"selection": {"objects": {}}}
    bench.choose_on_deck(bench.deck_key())
    assert state[bench.CHOSEN] == []


@pytest.mark.parametrize(("asked", "left"), [(bench.MOST_CHOSEN, 0), (bench.MOST_CHOSEN + 1, 1)])
def test_no_more_are_chosen_than_the_address_holds_and_the_table_is_made_anew(
    monkeypatch, asked, left
):
    ids = [f"13055_{n:04}" for n in range(60)]
    state = {"table_0": {"selection": {"rows": list(range(asked))}}}
    monkeypatch.setattr(bench.st, "session_state", state)
    bench.choose_in_table("table_0", ids)
    assert state[bench.CHOSEN] == ids[: bench.MOST_CHOSEN]
    assert (bench.left_out(), state.get("table_turn", 0)) == (left, left)
    bench.drop(ids[0])
    assert bench.left_out() == 0


def test_a_link_to_too_many_stations_says_how_many_are_left_out(demo, screen):
    stations = list(load_board(demo).table.index[: bench.MOST_CHOSEN + 1])
    for count in (0, 1):
        said = calm(screen("carte", b=",".join(stations[: bench.MOST_CHOSEN + count])))
        told = count_in("fr", "map.most_chosen", 1, most=bench.MOST_CHOSEN)
        assert (told in said) == bool(count)


def test_a_link_holds_the_rest_and_the_sure_past_that_were_asked(demo, screen):
    test = screen("carte", repos="14", sur="1")
    calm(test)
    assert (test.selectbox(key="rest").value, test.toggle(key="sure").value) == (14, True)
    assert (in_address(test, "repos"), in_address(test, "sur")) == ("14", "1")
    test.selectbox(key="rest").set_value(0).run()
    test.toggle(key="sure").set_value(False).run()
    calm(test)
    assert "repos" not in test.query_params
    assert "sur" not in test.query_params
    wrong = screen("carte", repos="13")
    calm(wrong)
    assert wrong.selectbox(key="rest").value == 0


def test_a_link_that_names_a_station_twice_opens_its_card(demo, screen):
    station = load_board(demo).table.index[0]
    test = screen("carte", b=f"{station},{station}")
    calm(test)
    assert test.session_state[bench.CHOSEN] == [station]


@pytest.mark.slow
def test_outlines_of_other_stations_paint_nothing(own_demo, screen):
    import geopandas as gpd

    (path,) = (own_demo.reference / "stations").glob("*.parquet")
    layer = gpd.read_parquet(path)
    layer["station_id"] = layer["station_id"].str.replace("_0", "_9", n=1)
    layer.to_parquet(path)
    seal_sheet(own_demo, sheet_path(path))
    test = screen("carte")
    said = calm(test)
    assert "Rien n’est peint" in said
    assert "0,0\u00a0%" in said
    assert len(test.dataframe[0].value) == 63


def test_the_map_without_outlines_keeps_its_table(own_demo, screen):
    for path in (own_demo.reference / "stations").iterdir():
        path.unlink()
    test = screen("carte")
    assert text_in("fr", "map.no_outlines") in calm(test)
    assert len(test.dataframe[0].value) == 63


def test_a_long_table_comes_by_pages_and_the_whole_is_downloaded(demo, screen, monkeypatch):
    monkeypatch.setattr("targeting.web.listings.ROWS_A_PAGE", 25)
    for name, rows in (("carte", 63), ("scenario", 63), ("passe", 63), ("sante", 63)):
        test = screen(name)
        calm(test)
        table = next(d for d in test.dataframe if "Bureau" in d.value.columns)
        assert len(table.value) == 25, name
        assert any(f"Lignes 1 à 25 sur {rows}" in c.value for c in test.caption), name


def test_the_page_of_the_chosen_station_is_shown_with_its_row_marked(demo, screen, monkeypatch):
    monkeypatch.setattr("targeting.web.listings.ROWS_A_PAGE", 25)
    board = load_board(demo)
    test = screen("carte")
    station = board.table.index[30]
    test.selectbox(key="named").set_value(station).run()
    calm(test)
    assert any("Lignes 26 à 50" in c.value for c in test.caption)
    assert list(test.dataframe[0].value["Rang"])[5] == 31


def test_choices_stay_when_another_screen_is_opened(demo, screen):
    test = screen()
    test.switch_page(str(PROJECT / "pages" / "carte.py")).run()
    station = load_board(demo).table.index[2]
    test.selectbox(key="named").set_value(station).run()
    test.segmented_control(key="metric").set_value("left").run()
    test.slider(key="min_abstention").set_value(10).run()
    for other in ("scenario", "plan"):
        test.switch_page(str(PROJECT / "pages" / f"{other}.py")).run()
        assert not test.exception
    test.switch_page(str(PROJECT / "pages" / "carte.py")).run()
    calm(test)
    assert shown_map(test)["sel"] == [station]
    assert test.segmented_control(key="metric").value == "left"
    assert test.slider(key="min_abstention").value == 10


def stations_of_two_departments():
    import pandas as pd
    import streamlit as st

    from targeting.web.listings import choose_area

    ids = [f"{d}00{c}_0001" for d in ("13", "69") for c in (1, 2)]
    st.text(" ".join(choose_area(pd.Index(ids))))


def test_stations_of_a_country_are_found_by_department_then_commune(monkeypatch):
    monkeypatch.setattr("targeting.web.listings.MOST_COMMUNES", 3)
    test = AppTest.from_function(stations_of_two_departments).run()
    assert [s.label for s in test.selectbox] == ["Département"]
    test.selectbox(key="department").set_value("69").run()
    assert test.text[0].value == "69001_0001 69002_0001"
    test.selectbox(key="commune").set_value("69002").run()
    assert test.text[0].value == "69002_0001"
    assert (in_address(test, "dep"), in_address(test, "com")) == ("69", "69002")
    test.selectbox(key="department").set_value("13").run()  # the commune is of another one
    assert test.text[0].value == "13001_0001 13002_0001"
    assert in_address(test, "dep") == "13"
    assert "com" not in test.query_params


@pytest.mark.parametrize(
    ("asked", "shown", "is_told"),
    [
        ({"com": "69002"}, "69002_0001", False),  # a commune brings its department
        ({"dep": "69"}, "69001_0001 69002_0001", False),
        ({"dep": "13", "com": "69002"}, "69002_0001", False),
        ({"dep": "69", "com": "69003"}, "69001_0001 69002_0001", True),
        ({"dep": "<b>[x](y)"}, "13001_0001 13002_0001 69001_0001 69002_0001", True),
    ],
)
def test_a_link_opens_the_place_looked_at_and_tells_one_that_is_gone(asked, shown, is_told):
    test = AppTest.from_function(stations_of_two_departments)
    for name, value in asked.items():
        test.query_params[name] = value
    test.run()
    assert test.text[0].value == shown
    told = "".join(w.value for w in test.warning)
    assert bool(told) == is_told
    assert "<b>" not in told
    test.run()
    assert bool(test.warning) == is_told  # until somebody chooses
    test.selectbox(key="department").set_value("13").run()
    assert not test.warning
    assert in_address(test, "dep") == "13"


def test_the_sheet_of_the_screen_has_the_quarters_of_the_screen(demo):
    from io import BytesIO

    from pypdfium2 import PdfDocument

    from targeting.maps.filters import Filters
    from targeting.web.handed import map_sheet
    from targeting.workflows.stations.board import campaign_quarters

    made = map_sheet("priority", Filters(), (), None, "A3", "pdf", "fr")
    printed = PdfDocument(BytesIO(made))[0].get_textpage().get_text_range()
    names = campaign_quarters(demo)["name"]
    assert sum(name.split()[-1] in printed for name in names) > len(names) / 2


# -- turfs -----------------------------------------------------------------------------------------


def test_turfs_show_their_account(demo, screen):
    test = screen("secteurs")
    said = calm(test)
    assert re.search(r"portes = .* dans des secteurs \+ .* écartées", said)
    assert "10\u00a0% de la moyenne" in said
    assert "aucun inscrit à cette adresse" in said
    assert len(test.dataframe[0].value) > 10


@pytest.mark.slow
def test_a_cut_asks_before_ready_turfs_are_withdrawn(own_demo, screen):
    before = workspace_mark(own_demo)
    test = screen("secteurs")
    test.button(key="cut").click().run()
    assert "seront retirés" in calm(test)
    test.button(key="give_up").click().run()
    assert "seront retirés" not in calm(test)
    assert workspace_mark(own_demo) == before
    test.button(key="cut").click().run()
    test.number_input(key="count").set_value(2).run()
    test.button(key="confirm").click().run()
    assert "secteurs découpés" in calm(test)
    assert workspace_mark(own_demo) != before


@pytest.mark.slow
def test_a_cut_that_fails_says_why_and_changes_nothing(own_demo, screen, monkeypatch):
    from targeting.errors import TurfError

    before = workspace_mark(own_demo)
    test = screen("secteurs", lang="en")
    monkeypatch.setattr(
        "targeting.workflows.turfs.cutting.walking_graph", lambda *_, **__: (_ for _ in ()).throw(
            TurfError("no street here: import some.")
        ),
    )  # fmt: skip
    test.button(key="cut").click().run()
    test.button(key="confirm").click().run()
    assert "no street here: import some." in calm(test)
    assert workspace_mark(own_demo) == before


def test_a_walk_book_is_made_when_asked_though_a_polish_ends_meanwhile(demo, screen, monkeypatch):
    polish = Future()
    monkeypatch.setitem(polishing._JOBS, str(demo.root), polish)
    test = screen("secteurs")
    test.selectbox(key="turf").select_index(0).run()
    assert text_in("fr", "turfs.file_pdf") not in [b.label for b in test.get("download_button")]
    assert text_in("fr", "turfs.polishing") in calm(test)
    polish.set_result(polishing.Polished("better", within=(0.5, 0.9)))
    test.button(key="make_book").click().run()
    within = {"before": "50\u00a0%", "after": "90\u00a0%"}
    assert text_in("fr", "turfs.polish.better", **within) in calm(test)
    (made, pdf) = test.session_state["book"]
    assert pdf.startswith(b"%PDF")
    assert made[0] == test.selectbox(key="turf").value
    assert text_in("fr", "turfs.file_pdf") in [b.label for b in test.get("download_button")]


@pytest.mark.slow
def test_phone_books_are_offered_with_a_phrase_that_opens_them(own_demo, screen):
    import base64
    import io
    import re
    import zipfile

    from targeting.field.sealing import open_sealed, unwrap_key

    test = screen("secteurs")
    test.selectbox(key="turf").select_index(0).run()
    test.button(key="make_phones").click().run()
    calm(test)
    _, packed, phrase = test.session_state["phones"]
    assert text_in("fr", "turfs.file_phone") in [b.label for b in test.get("download_button")]
    assert phrase in [c.value for c in test.code]
    archive = zipfile.ZipFile(io.BytesIO(packed))
    turf_id = test.selectbox(key="turf").value
    assert archive.namelist() == [f"{turf_id}.html"]
    held = re.search(rb'"sealed": "([^"]+)"', archive.read(f"{turf_id}.html"))
    sealed = base64.b64decode(held[1])
    assert turf_id.encode() in open_sealed(sealed, unwrap_key(sealed, phrase), "book")


def test_turfs_without_addresses_tell_the_way_out(workspace, monkeypatch, screen):
    monkeypatch.setenv("RELANCE_WORKSPACE", str(workspace.root))
    said = calm(screen("secteurs"))
    assert text_in("fr", "empty.addresses") in said
    assert "python -m" not in said


# -- both ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "carte", "secteurs"])
def test_every_screen_speaks_english(demo, screen, name):
    said = calm(screen(name, lang="en"))
    assert not re.search(r"bureaux passent|Prochaine étape|Secteurs à parcourir", said)


def knock(workspace, number, *, building="x", outcome="not_home"):
    """Record a visit, as another session would."""
    from datetime import UTC, datetime

    from targeting.store.engine import open_store, write
    from targeting.store.visits import record_visits

    visit = {
        "visit_id": f"00000000-0000-0000-0000-{number:012}", "building_id": building,
        "door_id": f"{building}/1", "outcome": outcome, "visited_at": datetime.now(UTC),
    }  # fmt: skip
    write(open_store(workspace), lambda s: record_visits(s, [visit]))


def test_a_new_visit_changes_the_mark(own_demo):
    before = workspace_mark(own_demo)
    knock(own_demo, 1)
    assert workspace_mark(own_demo) != before


def test_an_older_database_put_back_has_another_mark_with_as_many_writes(own_demo, tmp_path):
    database, backup = own_demo.root / "relance.db", tmp_path / "backup.db"
    shutil.copy2(database, backup)
    knock(own_demo, 1)
    before = workspace_marks(own_demo)
    shutil.copyfile(backup, database)
    knock(own_demo, 2, building="y")
    after = workspace_marks(own_demo)
    assert after.whole != before.whole
    assert after.scores == before.scores, "scores are of places"


def test_one_run_looks_the_workspace_up_once_and_again_after_its_own_writing(own_demo, monkeypatch):
    looks = []

    def look(workspace):
        looks.append(workspace)
        return workspace_marks(workspace)

    monkeypatch.setattr(kept.marks, "workspace_marks", look)
    with kept.one_look():
        first = kept.workspace_mark()
        assert kept.workspace_mark() == first
        assert len(looks) == 1
        knock(own_demo, 1)
        assert kept.workspace_mark() != first
        assert len(looks) == 2
    second = kept.workspace_mark()
    knock(own_demo, 2)
    assert kept.workspace_mark() != second, "outside a run, each look is a new one"


def test_a_screen_in_its_frame_looks_the_workspace_up_once(demo, screen, monkeypatch):
    screen()  # what is kept is kept
    looks = []

    def look(workspace):
        looks.append(workspace)
        return workspace_marks(workspace)

    monkeypatch.setattr(kept.marks, "workspace_marks", look)
    calm(screen())
    assert len(looks) == 1


def test_no_workspace_has_a_mark(tmp_path):
    assert workspace_mark(Workspace(tmp_path / "none")) == "none"


# -- the stations' past and the data's health --------------------------------------------------------


def test_the_ledger_tells_what_became_of_the_town_s_stations(demo, screen):
    test = screen("passe")
    said = calm(test)
    assert text_in("fr", "ledger.what") in said
    assert not test.metric  # nothing moved: the answer says it
    assert count_in("fr", "ledger.still", 63) in [e.label for e in test.expander]
    answer = next(h.value for h in test.subheader)
    assert "depuis ce scrutin" in answer
    test.multiselect(key="kinds").set_value(["gone"]).run()
    assert text_in("fr", "ledger.none") in calm(test)


def test_a_link_to_an_election_of_the_past_opens_it_and_nonsense_the_newest(demo, screen):
    newest = screen("passe").selectbox(key="vintage")
    oldest = screen("passe", scrutin=load_past(demo).vintages[-1]).selectbox(key="vintage")
    assert oldest.index == len(oldest.options) - 1
    lost = screen("passe", scrutin="2099_muni_t9")
    assert lost.selectbox(key="vintage").value == newest.value
    calm(lost)


@pytest.mark.parametrize(
    ("asked", "value"),
    [("45-55", (45, 55)), ("0-100", (0, 100)), ("55-45", None), ("45-101", None), ("x-y", None),
     ("4", None)],
)  # fmt: skip
def test_a_link_to_a_scenario_opens_it_and_nonsense_the_usual_one(demo, screen, asked, value):
    test = screen("scenario", participation=asked, fidelite="7-9")
    calm(test)
    usual = screen("scenario").slider(key="scenario_turnout").value
    assert test.slider(key="scenario_turnout").value == (value or usual)
    assert test.slider(key="scenario_transfer").value == (80, 100)
    assert len(test.subheader) == 1


def test_the_health_of_the_town_is_shown_with_its_sources(demo, screen):
    said = calm(screen("sante"))
    assert "63 bureaux d’aujourd’hui" in said
    assert text_in("fr", "health.sources") in said


def test_both_screens_say_what_to_import_first(workspace, monkeypatch, screen):
    monkeypatch.setenv("RELANCE_WORKSPACE", str(workspace.root))
    for page in ("passe", "sante"):
        assert "import results" in calm(screen(page))


@pytest.mark.slow
def test_the_backtest_is_run_when_asked_and_says_what_it_found(demo, screen):
    test = screen("retour")
    assert text_in("fr", "backtest.how_long") in calm(test)
    test.button(key="backtest_run").click().run(timeout=120)
    said = calm(test)
    assert text_in("fr", "backtest.what") in said
    assert text_in("fr", "backtest.not_learnt") in said
    assert not re.search(r"boosted, ensemble|not offered|learnt on", said)
    assert "prend plus que le produit usuel" in said
    assert len(test.dataframe[0].value) >= 12
    test.selectbox(key="foreseen").set_value("2022_legi_t1").run()
    assert text_in("fr", "backtest.how_long") in calm(test), "another election is asked for anew"


def test_the_backtest_says_what_to_import_first(workspace, monkeypatch, screen):
    monkeypatch.setenv("RELANCE_WORKSPACE", str(workspace.root))
    assert text_in("fr", "backtest.nothing") in calm(screen("retour"))


def test_a_scenario_is_a_range_that_the_sliders_move(demo, screen):
    test = screen("scenario")
    calm(test)
    narrow = [m.value for m in test.metric]
    assert all(" à " in value for value in narrow)
    test.slider(key="scenario_turnout").set_value((0, 100)).run()
    calm(test)
    assert [m.value for m in test.metric] != narrow
    assert test.metric[0].value.startswith("0 à")


def test_a_scenario_asks_for_results_first(workspace, monkeypatch, screen):
    monkeypatch.setenv("RELANCE_WORKSPACE", str(workspace.root))
    assert "import results" in calm(screen("scenario"))


# -- French ----------------------------------------------------------------------------------------

ENGLISH = re.compile(
    r"\b(the|and|with|from|is|are|was|not|of|this|none|nan|null|true|false|empty|select all|latest"
    r"|registered|turfs?|households?|reached|turnout|polling)\b",
    re.IGNORECASE,
)
IDS = re.compile(r"\b\d{4}_[a-z]{4}_t[12]\b|\b\d{5}_\w+|\b(?:[a-z]+_){1,}[a-z]+\b")


def shown(test):
    """Every text of a screen but commands to copy and addresses of pictures: labels and tables
    too."""
    kinds = ("markdown", "text", "caption", "header", "subheader", "info", "warning", "success")
    texts = [re.sub(r"data:\S+", "", str(e.value)) for k in kinds for e in test.get(k)]
    labelled = ("button", "selectbox", "multiselect", "slider", "number_input", "checkbox",
                "toggle", "metric", "download_button", "text_input")  # fmt: skip
    texts += [str(getattr(e, "label", "")) for k in labelled for e in test.get(k)]
    texts += [str(o) for k in ("selectbox", "multiselect") for e in test.get(k) for o in e.options]
    texts += [str(c) for d in test.dataframe for c in d.value.columns]
    return texts


@pytest.mark.parametrize(
    "name",
    [
        "",
        "carte",
        "plan",
        "secteurs",
        "retouche",
        "scenario",
        "retour",
        "passe",
        "sante",
        "fichiers",
    ],
)
def test_no_english_word_stands_on_a_french_screen(demo, screen, name):
    test = screen(name)
    calm(test)
    if name == "carte":
        test.selectbox(key="named").set_value(load_board(demo).table.index[0]).run()
    if name == "plan":
        test.button[0].click().run()
    wrong = [t for t in shown(test) if ENGLISH.search(t) or IDS.search(t)]
    assert wrong == []
