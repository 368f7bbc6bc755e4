"""The table of screens says all that is there, and nothing else."""

from __future__ import annotations

import re

from targeting.access.roles import ACTIONS, NOBODY, ROLES, Actor
from targeting.locale import texts
from targeting.shipped import PAGES
from targeting.web.screens import GROUPS, SCREENS


def test_each_file_of_a_screen_is_declared_once_and_the_first_is_home() -> None:
    assert sorted(s.name for s in SCREENS) == sorted(p.stem for p in PAGES.glob("*.py"))
    assert [s.name for s in SCREENS if s.is_home] == [SCREENS[0].name]
    assert len({s.path for s in SCREENS}) == len(SCREENS)


def test_each_screen_has_its_words_a_group_and_somebody_who_may_open_it() -> None:
    assert {key for s in SCREENS for key in (s.nav, s.heading)} <= texts("fr").keys()
    assert {s.group for s in SCREENS} == set(GROUPS)
    assert {s.action for s in SCREENS if not s.is_home} <= set(ACTIONS)
    assert not any(s.is_open_to(NOBODY) for s in SCREENS)


def test_each_role_has_its_screens_and_no_other() -> None:
    seen = {
        role: [s.name for s in SCREENS if s.is_open_to(Actor("a" * 32, role))] for role in ROLES
    }
    places = ["accueil", "carte", "retour", "scenario", "passe", "sante"]
    assert seen == {
        "administrator": [s.name for s in SCREENS],
        "field_director": [s.name for s in SCREENS if s.name not in ("equipe", "journal")],
        "strategist": [*places[:2], "plan", *places[2:], "sessions"],
        "team_lead": [*places[:2], "secteurs", *places[2:], "sessions"],
        "canvasser": ["accueil", "secteurs", "sessions"],
        "data_steward": [*places[:5], "fichiers", "sante", "sessions"],
    }


def test_links_lead_to_screens_that_are_there() -> None:
    linked = {
        name for page in PAGES.glob("*.py")
        for name in re.findall(r'page_link\("(\w+)"', page.read_text())
    }  # fmt: skip
    assert linked
    assert linked <= {s.name for s in SCREENS}
