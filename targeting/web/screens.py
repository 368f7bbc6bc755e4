"""The screens, declared once: where each lies, what it is called, whom it is for.

Another screen is a file in `pages/`, a row here, and its words in each language.
"""

from __future__ import annotations

from typing import Final, NamedTuple

GROUPS: Final = ("top", "field", "proof", "data")
"""In the order of work; screens of the first are links of their own, others lie in a menu."""

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
    Screen("accueil", "nav.home", "home.title", "top", is_home=True),
    Screen("carte", "nav.map", "map.title", "top"),
    Screen("plan", "nav.plan", "plan.title", "field", LEADERS),
    Screen("secteurs", "nav.turfs", "turfs.title", "field", LEADERS),
    Screen("retouche", "nav.hand", "hand.title", "field", LEADERS),
    Screen("retour", "nav.backtest", "backtest.title", "proof"),
    Screen("scenario", "nav.scenario", "scenario.title", "proof"),
    Screen("passe", "nav.past", "ledger.title", "proof"),
    Screen("fichiers", "nav.files", "files.title", "data", LEADERS, takes_files=True),
    Screen("sante", "nav.health", "health.title", "data"),
)
"""In the order of the menu."""

HEADINGS: Final = {screen.path: screen.heading for screen in SCREENS}
