"""What a file asks is answered on the page, and its job goes on."""

import pytest

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference.held import list_elections
from targeting.workflows.jobs import desk
from targeting.workflows.jobs.questions import as_parameters, question_of
from targeting.workflows.jobs.records import (
    read_job,
)
from targeting.workflows.setup import init_workspace
from tests.official import (
    geojson,
    square,
)
from tests.workflows.dropped import AMBIGUOUS, OUTLINES, PRES, drop, imported, work


def test_a_question_is_answered_on_the_page_and_the_import_goes_on(workspace, by_hand):
    job = work(workspace, drop(workspace, AMBIGUOUS, "duel.txt"))
    assert job.phase == "asked"
    assert job.question == {
        "option": "election", "choices": ["2017_pres_t2", "2022_pres_t2"],
    }  # fmt: skip
    desk.answer(workspace, job.id, "election", "2022_pres_t2")
    job = work(workspace, job)
    assert job.phase == "looked"
    desk.ask_import(workspace, job.id)
    assert work(workspace, job).phase == "done"
    assert list_elections(workspace) == ["2022_pres_t2"]


def test_a_wrong_answer_is_asked_again(workspace, by_hand):
    job = work(workspace, drop(workspace, PRES))
    desk.answer(workspace, job.id, "election", "2017_pres_t1")
    job = work(workspace, job)
    assert (job.phase, job.question["choices"]) == ("asked", ["2022_pres_t1"])


def test_outlines_before_any_result_ask_their_year(workspace, by_hand):
    job = work(workspace, drop(workspace, OUTLINES, "contours.geojson"))
    assert (job.phase, job.question["option"]) == ("asked", "vintage")
    desk.answer(workspace, job.id, "vintage", "2022")
    job = work(workspace, job)
    assert (job.phase, job.found[0]["vintage"]) == ("looked", "2022")


def test_outlines_that_came_first_are_looked_at_again_once_results_are_in(workspace, by_hand):
    numbers = ("0101", "0102", "0103", "069A")
    whole = geojson(
        [({"CODE": "13201", "BUREAU": f"13201_{n}"}, square(5.37 + i / 100, 43.29))
         for i, n in enumerate(numbers)]
    ).encode()  # fmt: skip
    outlines = work(workspace, drop(workspace, whole, "contours.geojson"))
    assert outlines.question["option"] == "vintage"
    imported(workspace, PRES)
    outlines = read_job(workspace, outlines.id)
    assert (outlines.phase, outlines.found[0]["vintage"]) == ("looked", "2022")


@pytest.mark.parametrize(
    ("kind", "refusal", "option", "choices"),
    [
        ("stations", "a: several properties may be the station number, and they differ: “NUM”, "
         "“BV”. Say which with --code-property NAME.", "code-property", ["NUM", "BV"]),
        ("stations", "a: no property holds a station number, as far as we can tell; properties: "
         "x, y. Say which with --code-property NAME. Is it a layer of stations?",
         "code-property", ["x", "y"]),
        ("stations", "a: several layers: bv, iris. Say which with --layer NAME.",
         "layer", ["bv", "iris"]),
        ("streets", "a: the file does not tell its coordinate system, and its numbers are no "
         "degrees. Say which with --crs, as --crs EPSG:2154 (Lambert-93) or EPSG:3857 (Web).",
         "crs", ["EPSG:2154", "EPSG:3857"]),
        ("stations", "a: its outlines fit 2017 and 2022 equally (99.8%), and the stations of these "
         "years differ. Say which with --vintage 2022.", "vintage", ["2017", "2022"]),
        ("addresses", "a: the table does not say its commune. Add --commune 72181 (the INSEE code "
         "of the city).", "commune", ["72181"]),
        ("results", "a: several recipes fit: paris or nantes. Say which with --recipe.",
         "recipe", ["paris", "nantes"]),
    ],
)  # fmt: skip
def test_every_refusal_that_asks_is_a_question_with_its_choices(kind, refusal, option, choices):
    found = question_of(kind, refusal, communes=["72181"])
    assert (found["option"], found["choices"]) == (option, choices)


def test_answers_of_another_kind_are_left_aside():
    answers = {"election": "2022_pres_t1", "commune": " 13055 ", "vintage": ""}
    assert as_parameters("results", answers) == {"election_id": "2022_pres_t1"}
    assert as_parameters("addresses", answers) == {"communes": ["13055"]}


def test_a_file_dropped_before_there_is_a_campaign_waits_for_its_commune(tmp_path, by_hand):
    here = Workspace(tmp_path / "new")
    job = drop(here, PRES)
    assert (job.phase, job.question["option"]) == ("asked", "campaign")
    assert not here.exists
    init_workspace(here, communes=["13055"])
    desk.campaign_is_made(here)
    assert work(here, job).phase == "looked"


def test_a_folder_of_something_else_takes_no_file(tmp_path, by_hand):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(WorkspaceError, match="something else"):
        drop(Workspace(tmp_path), PRES)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
