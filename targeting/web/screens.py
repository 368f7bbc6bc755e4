"""The screens, declared once: where each lies, what it is called, whom it is for.

Another screen is a file in `pages/`, a row here, and its words in each language. A screen that a
role may not open is not in its menu, and its address is refused.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from targeting.access.roles import NOBODY, Actor

GROUPS: Final = ("top", "field", "proof", "data", "settings")
"""In the order of work; screens of the first are links of their own, others lie in a menu."""


class Screen(NamedTuple):
    """One screen: `name` is its file in `pages/` and its path, `nav` its key in the menu."""

    name: str
    nav: str
    heading: str
    group: str
    action: str = "places.see"
    """What who opens it must be allowed, on what is theirs at least (`access.roles`)."""
    is_home: bool = False
    takes_files: bool = False
    """Whether it asks for files: uploads are let in for these alone."""

    def is_open_to(self, actor: Actor) -> bool:
        """Whether that role may open it; the first screen is open to who is in."""
        return actor != NOBODY and (not self.action or actor.may(self.action, own=True))

    @property
    def path(self) -> str:
        """What stands in the address: nothing for the first screen."""
        return "" if self.is_home else self.name


SCREENS: Final = (
    Screen("accueil", "nav.home", "home.title", "top", "", is_home=True),
    Screen("carte", "nav.map", "map.title", "top"),
    Screen("plan", "nav.plan", "plan.title", "field", "plan.see"),
    Screen("secteurs", "nav.turfs", "turfs.title", "field", "turfs.see"),
    Screen("retouche", "nav.hand", "hand.title", "field", "turfs.cut"),
    Screen("retour", "nav.backtest", "backtest.title", "proof"),
    Screen("scenario", "nav.scenario", "scenario.title", "proof"),
    Screen("passe", "nav.past", "ledger.title", "proof"),
    Screen("fichiers", "nav.files", "files.title", "data", "files.import", takes_files=True),
    Screen("sante", "nav.health", "health.title", "data"),
    Screen("equipe", "nav.team", "team.title", "settings", "users.manage"),
    Screen("sessions", "nav.sessions", "sessions.title", "settings", "sessions.end"),
    Screen("journal", "nav.log", "log.title", "settings", "audit.read"),
)
"""In the order of the menu."""


def screen_called(name: str) -> Screen:
    """The screen of that name. Raises KeyError where there is none."""
    found = {one.name: one for one in SCREENS}
    return found[name]
