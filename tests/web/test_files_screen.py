"""The screen of files in its states: empty, looked at, asking, refused, done; and the verdict."""

import io
import re
import socket
import time
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from targeting.config import PROJECT, Workspace
from targeting.errors import WorkspaceError
from targeting.locale import text_in, texts
from targeting.reference.held import list_elections
from targeting.web import files
from targeting.workflows import guide
from targeting.workflows.guide import CITIES, campaign_title, commune_codes, offered, read_guide
from targeting.workflows.imports.results import import_results
from targeting.workflows.imports.stations import import_stations
from targeting.workflows.jobs import desk, questions, worker
from targeting.workflows.jobs.records import PHASES, Job, list_jobs, read_job, write_job
from targeting.workflows.setup import campaign_card, init_workspace
from targeting.workflows.stations import verdict as verdict_module
from targeting.workflows.stations.health import Painted, data_health
from targeting.workflows.stations.verdict import verdict
from tests.official import Ballot, geojson, marseille_rows, native, square
from tests.web.test_screens import calm
from tests.workflows.dropped import AMBIGUOUS, PRES

LEGI = native(
    [row.with_(votes=[v // 2 for v in row.votes][:5]) for row in marseille_rows()],
    Ballot.of_nuances("NUP", "ENS", "RN", "LR", "REC"),
).encode("latin-1")


def outlines_of(*numbers):
    """Squares side by side, one a station."""
    shapes = [({"CODE": "13201", "BUREAU": f"13201_{n}"}, square(5.37 + i / 100, 43.29))
              for i, n in enumerate(numbers)]  # fmt: skip
    return geojson(shapes).encode()


ALL = ("0101", "0102", "0103", "069A")


@pytest.fixture
def here(workspace, monkeypatch, by_hand):
    monkeypatch.setenv("RELANCE_WORKSPACE", str(workspace.root))
    return workspace


def drop(workspace, content, name="resultats.txt"):
    job = desk.drop_file(workspace, name, io.BytesIO(content))
    worker.work_through(workspace)
    return job.id


def buttons(test):
    return [b.label for b in test.button]


def press(test, act, job_id):
    return test.button(key=f"{act}_{job_id}").click().run()


def test_an_empty_place_asks_the_commune_and_makes_the_campaign(
    tmp_path, monkeypatch, by_hand, screen
):
    root = tmp_path / "new"
    monkeypatch.setenv("RELANCE_WORKSPACE", str(root))
    test = screen("fichiers")
    assert text_in("fr", "files.next.commune") in calm(test)
    assert not root.exists()
    test.selectbox(key="communes_").set_value("Marseille (13055)")
    test.button(key="make_campaign").click().run()
    assert text_in("fr", "files.next.results") in calm(test)
    assert campaign_card(Workspace(root)).communes == ["13055"]


def test_what_is_no_commune_is_told_and_makes_nothing(tmp_path, monkeypatch, by_hand, screen):
    root = tmp_path / "new"
    monkeypatch.setenv("RELANCE_WORKSPACE", str(root))
    test = screen("fichiers")
    test.button(key="make_campaign").click().run()
    assert "quelle commune" in calm(test)
    assert not root.exists()


@pytest.fixture
def asked_outside(monkeypatch):
    """What this process looked for on a network, where nothing answers: the worker is in it."""
    asked = []

    def refuse(*address, **_options):
        asked.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return asked


def test_a_file_is_looked_at_imported_and_undone_on_the_page_without_a_network(
    here, screen, asked_outside
):
    job_id = drop(here, PRES)
    test = screen("fichiers")
    said = calm(test)
    assert "présidentielle 2022, 1er tour" in said
    assert "De votre commune\xa0: 4 bureaux." in said
    press(test, "import", job_id)
    assert text_in("fr", "files.stop") in buttons(test)
    worker.work_through(here)
    said = calm(test.run())
    assert text_in("fr", "files.done") in said
    assert text_in("fr", "step.results.low") in said
    press(test, "undo", job_id)
    worker.work_through(here)
    assert text_in("fr", "files.undone") in calm(test.run())
    assert list_elections(here) == []
    assert asked_outside == []


def ends_at(monkeypatch, look, here):
    """The worker does its work just before the page's `look`-th look at the jobs or the steps."""
    looks = []

    def looking(real):
        def looked(workspace):
            looks.append(real)
            if len(looks) == look:
                worker.work_through(here)
            return real(workspace)

        return looked

    monkeypatch.setattr(worker.signal, "signal", lambda *_: None)  # a page is no first thread
    monkeypatch.setattr(desk, "jobs_now", looking(desk.jobs_now))
    monkeypatch.setattr(guide, "read_guide", looking(guide.read_guide))


@pytest.mark.parametrize("look", [1, 2, 3])
def test_the_steps_are_no_older_than_the_jobs_whenever_the_work_ends(
    here, screen, monkeypatch, look
):
    job_id = drop(here, PRES)
    test = screen("fichiers")
    ends_at(monkeypatch, look, here)
    said = calm(press(test, "import", job_id))
    if text_in("fr", "files.stop") not in buttons(test):  # else it is looked at again each second
        assert text_in("fr", "step.results.low") in said


def test_work_that_ends_before_the_board_is_drawn_again_draws_the_whole_page(here, monkeypatch):
    job_id = drop(here, PRES)
    boards, reruns = [], []
    monkeypatch.setenv("RELANCE_LANG", "fr")
    monkeypatch.setattr(
        files.st, "fragment", lambda **_: lambda board: boards.append(board) or board
    )
    monkeypatch.setattr(files.st, "rerun", lambda: reruns.append(True))
    files.show_board(desk.jobs_now(here))
    [board] = boards
    board()
    assert reruns == []
    desk.ask_import(here, job_id)
    worker.work_through(here)  # all of it, between the click and what it draws
    board()
    assert reruns == [True]


@pytest.mark.parametrize("look", [1, 2, 3])
def test_a_click_elsewhere_arrives_though_the_work_ends_meanwhile(
    here, tmp_path, screen, monkeypatch, look
):
    for content, name in ((PRES, "p.txt"), (LEGI, "l.txt")):
        (tmp_path / name).write_bytes(content)
        import_results(here, [tmp_path / name])
    (tmp_path / "c.geojson").write_bytes(outlines_of(*ALL))
    import_stations(here, tmp_path / "c.geojson")
    desk.drop_file(here, "c.geojson", io.BytesIO(outlines_of(*ALL[:2])))
    test = screen("fichiers")
    went = []
    monkeypatch.setattr("streamlit.switch_page", went.append)
    ends_at(monkeypatch, look, here)
    test.button(key="see_map").click().run()
    assert [Path(page).stem for page in went] == ["carte"]


def test_files_are_all_taken_though_one_is_refused_and_the_user_clicks_elsewhere(monkeypatch):
    class Elsewhere(dict):
        """A session that another click takes away at the first word written into it."""

        def __setitem__(self, key, value):
            raise InterruptedError

    class File:
        def __init__(self, name):
            self.name = name

    taken = []

    def take(_workspace, name, _file):
        taken.append(name)
        raise files.TargetingError("no room.")

    monkeypatch.setattr(files.desk, "drop_file", take)
    monkeypatch.setattr(files.st, "session_state", Elsewhere({"drop_0": [File("a"), File("b")]}))
    with pytest.raises(InterruptedError):
        files.take_files()
    assert taken == ["a", "b"]


def test_the_page_asks_what_the_file_does_not_say(here, screen):
    job_id = drop(here, AMBIGUOUS, "duel.txt")
    test = screen("fichiers")
    said = calm(test)
    assert text_in("fr", "files.ask.election") in said
    assert "--election" not in said
    box = test.selectbox(key=f"answer_{job_id}_election")
    assert box.options == ["présidentielle 2017, 2d tour", "présidentielle 2022, 2d tour"]
    box.set_value("2022_pres_t2")
    press(test, "answer", job_id)
    worker.work_through(here)
    assert "présidentielle 2022, 2d tour" in calm(test.run())
    assert read_job(here, job_id).phase == "looked"


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_phase_of_a_job_has_its_words_and_a_stranger_in_a_name_does_nothing(
    here, screen, phase, lang
):
    name = "<b>x</b> *y* [z](http://example.org) $1$ \u202egnp.exe"
    job = Job("0" * 16, "look", phase, names=[name], kind="results", step=f"{name}: reading")
    job.refusal = "a.txt: <script>alert(1)</script> (--election)."
    job.question = {"option": "election", "choices": ["2022_pres_t1"]} if phase == "asked" else {}
    job.begun = job.beat = job.asked_at = time.time()
    write_job(here, job)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "is_working", lambda _workspace: True)
        test = screen("fichiers", lang=lang)
    assert not test.exception
    shown = "\n".join(m.value for m in test.markdown)
    assert "<b>" not in shown.replace("\\<b\\>", "")
    assert "[z](" not in shown
    assert "gnp" in shown


def test_a_list_of_people_dropped_by_mistake_is_told_that_its_copy_is_deleted(here, screen):
    drop(here, b"Nom;Prenom;Telephone\nDURAND;Zebulon;0639980012\n", "contacts.csv")
    test = screen("fichiers")
    said = calm(test)
    assert "cela ressemble à une liste de personnes" in said
    assert text_in("fr", "files.deleted") in said
    assert text_in("fr", "files.again") not in buttons(test)


def test_every_option_a_refusal_asks_for_has_its_words():
    options = {o for known in questions.OPTIONS.values() for o in known}
    for option in [*options, "accept-new-version", "campaign"]:
        assert text_in("fr", f"files.ask.{option}")
    assert all(text_in("fr", f"files.answer.{option}") for option in options)


def test_once_results_and_outlines_are_there_the_map_is_ready(here, tmp_path, screen):
    for content, name in ((PRES, "p.txt"), (LEGI, "l.txt")):
        (tmp_path / name).write_bytes(content)
        import_results(here, [tmp_path / name])
    assert read_guide(here).next_step == "stations"
    (tmp_path / "c.geojson").write_bytes(outlines_of(*ALL))
    import_stations(here, tmp_path / "c.geojson")
    test = screen("fichiers")
    assert text_in("fr", "files.ready") in calm(test)
    assert text_in("fr", "files.see_map") in buttons(test)
    assert read_guide(here).next_step == ""


def test_the_invented_town_takes_no_file_and_makes_room_when_asked(own_demo, by_hand, screen):
    test = screen("fichiers")
    assert text_in("fr", "files.demo") in calm(test)
    assert not test.get("file_uploader")
    test.button(key="leave_yes").click().run()
    assert text_in("fr", "files.next.commune") in calm(test)
    assert not own_demo.exists


def test_a_fetch_is_asked_for_once_its_commune_is_known(tmp_path, monkeypatch, by_hand, screen):
    root = tmp_path / "new"
    monkeypatch.setenv("RELANCE_WORKSPACE", str(root))
    test = screen("fichiers")
    assert test.button(key="fetch_stations").disabled
    assert not test.button(key="fetch_results").disabled
    test.button(key="fetch_results").click().run()
    [job] = list_jobs(Workspace(root))
    assert job.question["option"] == "campaign"
    assert text_in("fr", "files.ask.campaign") in calm(test)


def test_what_a_score_wants_first_is_offered_first():
    first = [p.id for p in offered("results", [])[:2]]
    assert first[0] == "2022_pres_t1"
    assert first[1].split("_")[1] in ("legi", "euro", "muni")
    again = [p.id for p in offered("results", ["2022_pres_t1"])]
    assert again[0] == first[1]
    assert again[-1] == "2022_pres_t1"
    assert [p.id for p in offered("streets", [])] == []


@pytest.mark.parametrize(
    ("name", "communes", "title"),
    [(None, ["13055"], "Marseille"), (None, ["13055", "69123"], "Marseille, Lyon"),
     (None, ["01001"], "Campagne"), (None, ["13055", "01001"], "Campagne"),
     ("Pour demain", ["13055"], "Pour demain")],
)  # fmt: skip
def test_a_campaign_without_a_name_is_called_by_its_city(tmp_path, name, communes, title):
    card = init_workspace(Workspace(tmp_path / "own"), name=name, communes=communes)
    assert campaign_title(card) == title


def test_the_size_told_is_the_one_the_server_takes():
    config = tomllib.loads((PROJECT / ".streamlit/config.toml").read_text())
    limit = config["server"]["maxUploadSize"]
    assert f"Au-delà de {limit} Mo" in text_in("fr", "files.drop_help").replace("\u00a0", " ")
    assert f"Above {limit} MB" in text_in("en", "files.drop_help")
    archive = desk.MOST_ARCHIVE_BYTES // 1024**2
    assert f"{archive} Mo au plus" in text_in("fr", "files.drop_help").replace("\u00a0", " ")
    assert f"{archive} MB at most" in text_in("en", "files.drop_help")


def test_cities_are_told_by_name_or_code():
    assert commune_codes(["Lyon", "13201", "29039"]) == ["69123", "13055", "29039"]
    assert len(set(CITIES.values())) == len(CITIES)


def test_files_taken_leave_the_field_and_what_is_not_taken_is_told(monkeypatch):
    class Trouble:
        name = "a.txt"

    state = {}
    monkeypatch.setattr(files.st, "session_state", state)
    before = files.drop_key()
    state[before] = [Trouble()]

    def refuse(*_):
        raise files.TargetingError("no room.")

    monkeypatch.setattr(files.desk, "drop_file", refuse)
    files.take_files()
    assert state[files.TROUBLE] == "no room."
    assert files.drop_key() != before


# -- the verdict -----------------------------------------------------------------------------------


def test_the_verdict_says_what_to_mend_and_where(here, tmp_path, screen):
    for content, name in ((PRES, "p.txt"), (LEGI, "l.txt")):
        (tmp_path / name).write_bytes(content)
        import_results(here, [tmp_path / name])
    urgent = [(m.key, m.step) for m in verdict(here, data_health(here)) if m.is_urgent]
    assert urgent == [("verdict.no_outlines", "stations")]
    said = calm(screen("sante"))
    assert "1 chose à mettre en ordre." in said
    health = data_health(here)
    bare = replace(health, painted=Painted(100, 97, 0, 0, []))
    assert ("verdict.bare", True) in [(m.key, m.is_urgent) for m in verdict(here, bare)]
    few = replace(health, painted=Painted(100, 98, 0, 0, []))
    assert ("verdict.bare", False) in [(m.key, m.is_urgent) for m in verdict(here, few)]
    whole = replace(health, painted=Painted(100, 100, 0, 0, []))
    assert "verdict.bare" not in [m.key for m in verdict(here, whole)]


def test_the_verdict_is_that_all_is_ready_where_nothing_is_to_mend(here, tmp_path, screen):
    for content, name in ((PRES, "p.txt"), (LEGI, "l.txt")):
        (tmp_path / name).write_bytes(content)
        import_results(here, [tmp_path / name])
    (tmp_path / "c.geojson").write_bytes(outlines_of(*ALL))
    import_stations(here, tmp_path / "c.geojson")
    assert not [m for m in verdict(here, data_health(here)) if m.is_urgent]
    said = calm(screen("sante"))
    assert text_in("fr", "verdict.ready") in said
    assert "2022_" not in said


def test_every_verdict_has_its_words():
    source = Path(verdict_module.__file__).read_text()
    keys = set(re.findall(r'"(verdict\.\w+)"', source))
    assert len(keys) > 8
    known = texts("fr")
    assert [
        k for k in keys if k not in known and not {f"{k}.one", f"{k}.many"} <= known.keys()
    ] == []


def test_what_a_button_of_the_board_is_refused_is_told_by_the_board_beside_its_job(
    here, monkeypatch
):
    def board_alone():  # a button of a fragment runs the fragment again, and not the page
        from targeting.web.files import show_board
        from targeting.web.kept import workspace
        from targeting.workflows.jobs.desk import jobs_now

        show_board(jobs_now(workspace()))

    def refuse(_here, _job_id):
        raise WorkspaceError("many files wait already: let them be looked at first.")

    job_id, other = drop(here, PRES), drop(here, LEGI, "autre.txt")
    monkeypatch.setattr(desk, "ask_import", refuse)
    test = AppTest.from_function(board_alone).run()
    press(test, "import", job_id)
    (told,) = test.text
    assert "attendent" in told.value
    press(test, "dismiss", other)
    assert not test.text
