"""The screens, declared once: where each lies, what it is called, whom it is for.

Another screen is a file in `pages/`, a row here, and its words in each language.
"""

from __future__ import annotations

from typing import Final, NamedTuple

GROUPS: Final = ("home", "where", "walk", "proof", "data")

ROLES: Final = ("director", "field_director", "analyst")
"""Roles that have screens (TRUST 2.3), besides the administrator, who has all; volunteers none."""

LEADERS: Final = ("director", "field_director")


class Screen(NamedTuple):
    """One screen: `name` is its file in `pages/` and its path, `nav` its key in the menu."""

    name: str
    nav: str
    heading: str
    group: str
    roles: tuple[str, ...] = ROLES
    is_home: bool = False
    takes_files: bool = False
    """Whether it asks for files: uploads are let in for these alone."""

    @property
    def path(self) -> str:
        """What stands in the address: nothing for the first screen."""
        return "" if self.is_home else self.name


SCREENS: Final = (
    Screen("accueil", "nav.home", "app.name", "home", is_home=True),
    Screen("carte", "nav.map", "map.title", "where"),
    Screen("plan", "nav.plan", "plan.title", "where", LEADERS),
    Screen("secteurs", "nav.turfs", "turfs.title", "walk", LEADERS),
    Screen("retouche", "nav.hand", "hand.title", "walk", LEADERS),
    Screen("scenario", "nav.scenario", "scenario.title", "where"),
    Screen("retour", "nav.backtest", "backtest.title", "proof"),
    Screen("passe", "nav.past", "ledger.title", "data"),
    Screen("fichiers", "nav.files", "files.title", "data", LEADERS, takes_files=True),
    Screen("sante", "nav.health", "health.title", "data"),
)
"""In the order of the menu."""

HEADINGS: Final = {screen.path: screen.heading for screen in SCREENS}
