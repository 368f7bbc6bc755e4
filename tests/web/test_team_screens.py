"""Team, sessions and log on their screens; what a role sees of the others'."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from targeting.access.roles import LOCAL, NOBODY, Actor
from targeting.locale import text_in
from targeting.shipped import PAGES
from targeting.store import accounts, audit
from targeting.store.engine import open_store, reading, write
from targeting.web import kept
from targeting.web.kept import asked_as, at_the_click, workspace
from targeting.web.loaders import load_past, load_turf_board
from targeting.web.screens import screen_called
from targeting.workflows.access import door, team
from targeting.workflows.setup import init_workspace
from targeting.workflows.turfs.assign import assign_turf, turfs_in_hand
from targeting.workflows.turfs.board import load_campaign_turfs
from tests.web.test_screens import calm, words

SENTENCE = "girafe-balcon-tournevis"


@pytest.fixture
def small(workspace, monkeypatch):
    """An empty campaign, which the screens look at."""
    monkeypatch.setenv("RELANCE_WORKSPACE", str(workspace.root))
    return workspace


@pytest.fixture
def looks(monkeypatch):
    """Who looks at the screens from now on."""

    def now(actor):
        monkeypatch.setattr(kept, "actor", lambda: actor)
        return actor

    return now


def first_of(here):
    """Its first administrator, logged in."""
    return door.take_link(here, door.first_link(here), SENTENCE, login="anne", name="Anne*").actor


def add(here, login, role):
    more = {"state": "active", "subject": login}
    now = datetime.now(UTC)
    made = write(
        open_store(here),
        lambda s: accounts.add_account(s, login, login.title(), role, now, **more),
    )
    return made.actor


def link_in(page):
    (code,) = page.code
    assert re.fullmatch(r"(http://\S+)?/join\?k=[\w-]{43}", code.value)
    return code.value.rpartition("=")[2]


def test_without_accounts_the_screen_says_what_they_are_for_and_begins(small, screen):
    page = screen("equipe")
    assert text_in("fr", "team.none") in calm(page)
    page.button(key="team_begin").click().run()
    made = link_in(page)
    assert door.welcome(small, made).kind == "first"
    page.button(key="team_link_done").click().run()
    assert not page.code, "shown this once"


def test_somebody_is_invited_changed_and_closed_each_twice_asked(small, screen, looks):
    anne = looks(first_of(small))
    page = screen("equipe")
    assert "Anne\\*" in calm(page), "a name is text"
    page.text_input(key="invite_name").set_value("Paul Exemple")
    page.text_input(key="invite_login").set_value("paul")
    page.button(key="FormSubmitter:invite_form-Créer le compte et son lien").click().run()
    seen = door.welcome(small, link_in(page))
    assert (seen.login, seen.role) == ("paul", "canvasser")
    paul = team.find(small, LOCAL, "paul")

    page.selectbox(key=f"role_{paul.id}").set_value("team_lead").run()
    assert text_in("fr", "role_is.team_lead") in words(page)
    page.button(key=f"role_go_{paul.id}").click().run()
    assert team.find(small, LOCAL, "paul").role == "team_lead"

    page.button(key=f"disable_{paul.id}").click().run()
    assert team.find(small, LOCAL, "paul").state == "invited", "it asks first"
    assert "Paul Exemple" in page.warning[0].value
    page.button(key=f"disable_{paul.id}_no").click().run()
    assert not page.warning
    page.button(key=f"disable_{paul.id}").click().run()
    page.button(key=f"disable_{paul.id}_go").click().run()
    assert team.find(small, LOCAL, "paul").state == "disabled"
    page.button(key=f"enable_{paul.id}").click().run()
    assert team.find(small, LOCAL, "paul").state == "invited"

    page.button(key=f"disable_{anne.id}").click().run()
    page.button(key=f"disable_{anne.id}_go").click().run()
    assert "dernier administrateur" in page.error[0].value
    assert not page.exception


def test_an_account_changed_meanwhile_is_looked_at_again(small, screen, looks):
    looks(first_of(small))
    paul = add(small, "paul", "canvasser")
    page = screen("equipe")
    page.selectbox(key=f"role_{paul.id}").set_value("strategist").run()
    team.change_role(small, LOCAL, paul.id, "team_lead")
    page.button(key=f"role_go_{paul.id}").click().run()
    assert not page.exception
    shown = f"**Paul** — {text_in('fr', 'role.' + team.find(small, LOCAL, 'paul').role)}"
    assert shown in words(page), "what is there is shown, whoever came first"


def test_each_sees_and_ends_their_own_sessions_the_administrator_everybodys(small, screen, looks):
    anne = first_of(small)
    add(small, "paul", "canvasser")
    one, two = (door.enter_as(small, "paul", browser=b) for b in ("Firefox", "Safari"))
    looks(one.actor)
    page = screen("sessions")
    said = calm(page)
    assert "Firefox" in said
    assert "Safari" in said
    assert "Anne" not in said
    assert {b.key for b in page.button} == {f"end_{two.session_id}", "end_mine"}
    page.button(key="end_mine").click().run()
    assert door.who_is(small, two.secret) is None
    assert door.who_is(small, one.secret) is not None

    looks(anne)
    page = screen("sessions")
    assert "Paul" in calm(page)
    page.button(key=f"end_{one.session_id}").click().run()
    assert door.who_is(small, one.secret) is None
    looks(LOCAL)
    assert not screen("sessions").exception


def test_one_desk_has_no_sessions_and_says_why(small, screen):
    assert text_in("fr", "sessions.none") in calm(screen("sessions"))


def test_the_log_is_told_in_words_by_page_and_checked(small, screen, looks, monkeypatch):
    monkeypatch.setattr("targeting.web.journal.A_PAGE", 2)
    anne = looks(first_of(small))
    paul = add(small, "paul", "canvasser")
    team.change_role(small, anne, paul.id, "team_lead")
    page = screen("journal")
    rows = page.dataframe[0].value
    assert rows["Quoi"].to_list() == ["rôle changé", "connexion"]
    assert rows.iloc[0][["Qui", "Sur quoi", "Précision"]].to_list() == [
        "Anne*", "Paul", "responsable d’équipe",
    ]  # fmt: skip
    page.button(key="log_older").click().run()
    assert page.dataframe[0].value["Quoi"].to_list() == [
        "premier compte créé", "réglages de la campagne",
    ]  # fmt: skip
    assert page.button(key="log_older").disabled
    page.selectbox(key="log_kind").set_value("rights").run()
    assert page.dataframe[0].value["Quoi"].to_list() == ["rôle changé"]
    page.button(key="log_verify").click().run()
    assert "4 lignes" in page.success[0].value
    write(
        open_store(small),
        lambda s: s.execute(audit.update(audit.AuditLine).values(count=2)),
    )
    page.button(key="log_verify").click().run()
    assert "ligne 1" in page.error[0].value


@pytest.mark.parametrize("name", ["equipe", "journal", "fichiers", "retouche"])
def test_a_page_run_past_its_menu_is_refused_by_its_first_service(small, screen, looks, name):
    first_of(small)
    paul = looks(add(small, "paul", "canvasser"))
    page = screen(name)
    assert not page.button
    assert not page.dataframe
    with reading(open_store(small)) as session:
        lines = audit.lines_of(session, actor=paul.id, acts=["refused"])
    asked = {"journal": "users.manage"}.get(name, screen_called(name).action)
    assert [line.object for line in lines] == [asked]


def test_the_frame_refuses_a_screen_in_words_and_shows_the_role_its_own(own_demo, screen, looks):
    looks(add(own_demo, "paul", "canvasser"))
    page = screen()
    assert not page.exception
    assert text_in("fr", "turfs.none_own") in words(page), "who walks lands on their turfs"
    page.switch_page(str(PAGES / "carte.py")).run()
    assert not page.exception
    assert "Votre rôle (porte-à-porte) ne le permet pas" in words(page)


def test_what_is_kept_of_the_screens_is_asked_for_by_each(small):
    init_workspace(small)
    lead, walker = Actor("a" * 32, "team_lead"), Actor("b" * 32, "canvasser")
    with asked_as(walker), pytest.raises(Exception, match=r"\(canvasser\).*places\.see"):
        load_past()
    with asked_as(lead), pytest.raises(Exception, match=r"no results|result"):
        load_past()


def test_a_button_is_pressed_with_the_role_of_the_moment(small):
    anne, dana = first_of(small), add(small, "dana", "administrator")
    with asked_as(anne):
        pressed = at_the_click(lambda: workspace().actor)
    assert pressed() == anne
    team.change_role(small, dana, anne.id, "canvasser")
    assert pressed().role == "canvasser"
    team.disable(small, dana, anne.id)
    assert pressed() == NOBODY
    assert workspace().actor == NOBODY, "outside a screen, in a team, nobody asks"


def test_a_turf_is_given_and_taken_back_on_its_screen_and_shows_to_its_holder_alone(
    own_demo, screen, looks
):
    dana, paul = add(own_demo, "dana", "field_director"), add(own_demo, "paul", "canvasser")
    lise = add(own_demo, "lise", "canvasser")
    turfs = load_campaign_turfs(own_demo).turfs.query("status == 'ready'")["turf_id"].to_list()
    looks(dana)
    page = screen("secteurs", turf=turfs[0])
    page.selectbox(key="turf").set_value(turfs[0]).run()
    page.selectbox(key=f"to_{turfs[0]}").set_value("paul").run()
    page.button(key=f"give_{turfs[0]}").click().run()
    assert not page.exception
    (held,) = turfs_in_hand(own_demo)
    assert (held.turf_id, held.account_id) == (turfs[0], paul.id)
    assert "**Paul**" in words(page)
    assign_turf(own_demo, turfs[1], "lise")

    for actor, own in ((paul, turfs[0]), (lise, turfs[1])):
        looks(actor)
        page = screen("secteurs")
        assert not page.exception
        assert page.selectbox(key="turf").options == [own]
        assert not {"cut", "recut", "restore"} & {b.key for b in page.button}
        assert text_in("fr", "turfs.identity_title") not in words(page)
        with asked_as(actor):
            assert load_turf_board().kept.turfs["turf_id"].to_list() == [own]
    looks(dana)
    page = screen("secteurs")
    page.selectbox(key="turf").set_value(turfs[0]).run()
    page.button(key=f"back_{held.id}").click().run()
    assert [h.turf_id for h in turfs_in_hand(own_demo)] == [turfs[1]]
    looks(paul)
    assert text_in("fr", "turfs.none_own") in words(screen("secteurs"))
