"""What a visit can give, and what people talk about: one table each, which everybody reads.

Another outcome is a row of OUTCOMES_TABLE, its days in `data/outcomes.toml`, its word in each
language (`outcome.…`, and `excluded.…` for a reason of its own), and a migration of its CHECK.
Another theme is a code of THEMES, its words (`book.theme.…`) and a migration.
"""

from __future__ import annotations

from typing import Final, NamedTuple

NOT_HOME: Final = "not_home"
TALKED: Final = "talked"
INACCESSIBLE: Final = "inaccessible"

OPPOSITION: Final = "do_not_contact"
"""The outcome that wins over any other, is never lost, and closes its door for ever (PRIV-07)."""

ALREADY_MET: Final = "already_met"


class Outcome(NamedTuple):
    """One outcome of a knock; how many days it closes its door is in `data/outcomes.toml`."""

    code: str
    reason: str
    """Why its door is left alone: a refusal is told as a meeting, it holds no more."""

    words: tuple[str, ...]
    """How a typed grid may say it, besides its code and what the books print."""

    demo_share: float = 0.0
    """Of the invented town's visits."""

    knocked: bool = True
    """There was a door to knock at; else none was found, or reached."""

    opened: bool = True
    """Somebody had opened."""

    met: bool = False
    """The household counts as met: it is not to be visited again soon."""

    mute: bool = False
    """It carries nothing else: no contact, no theme, no note (TRUST PRIV-02)."""

    redo: bool = False
    """The next outing may try this door again."""

    role: str = ""
    """What the phone's buttons ask it for: `talk`, `nobody` (of a whole floor), `shut`."""

    @property
    def label(self) -> str:
        """Key of its word in the locale's texts."""
        return outcome_label(self.code)


OUTCOMES_TABLE: Final = (
    Outcome(NOT_HOME, "tried_lately", demo_share=0.62, opened=False, mute=True, redo=True,
            role="nobody",
            words=("absente", "absents", "absent(e)", "absent·e", "personne", "nobody",
                   "nobody home", "no answer", "pas de réponse", "pas là")),
    Outcome(TALKED, ALREADY_MET, demo_share=0.20, met=True, role="talk",
            words=("échanges", "discussion", "a parlé", "talk")),
    Outcome("come_back", "tried_lately", demo_share=0.04, redo=True,
            words=("pas le temps", "revenir", "à revoir", "no time", "come back")),
    Outcome("refused", ALREADY_MET, demo_share=0.08, met=True, mute=True,
            words=("refusé", "refuse", "refusal")),
    Outcome(OPPOSITION, OPPOSITION, demo_share=0.01, met=True, mute=True,
            words=("ne pas revenir", "ne plus contacter", "opposition", "ne plus frapper",
                   "do not come back", "do not contact", "objection")),
    Outcome(INACCESSIBLE, "inaccessible", demo_share=0.03, knocked=False, opened=False,
            role="shut", words=("accès impossible", "pas d'accès", "inaccessibles")),
    Outcome("bad_address", "bad_address", demo_share=0.01, knocked=False, opened=False,
            words=("mauvaise adresse", "fausse adresse", "adresse inexistante")),
    Outcome("moved", "moved", demo_share=0.01,
            words=("déménagé", "déménagée", "a déménagé", "has moved", "parti")),
)  # fmt: skip
"""In the order of the walk book's boxes."""

OUTCOMES: Final = tuple(o.code for o in OUTCOMES_TABLE)
KNOCKED: Final = tuple(o.code for o in OUTCOMES_TABLE if o.knocked)
OPENED: Final = tuple(o.code for o in OUTCOMES_TABLE if o.opened)
MET: Final = tuple(o.code for o in OUTCOMES_TABLE if o.met)
MUTE: Final = tuple(o.code for o in OUTCOMES_TABLE if o.mute)
REDO: Final = tuple(o.code for o in OUTCOMES_TABLE if o.redo)

ROLES: Final = {o.role: o.code for o in OUTCOMES_TABLE if o.role}
"""What each button of a phone writes down."""

REASONS: Final = {o.code: o.reason for o in OUTCOMES_TABLE}

FIRST_TOLD: Final = (OPPOSITION, "bad_address", ALREADY_MET, "inaccessible", "moved")
"""Of several reasons, the one that is told; the others of REASONS come after."""


def outcome_label(code: str) -> str:
    """Key of an outcome's word in the locale's texts."""
    return f"outcome.{code}"


THEMES: Final = (
    "housing", "prices", "school", "health", "transport", "cleanliness", "safety", "other",
)  # fmt: skip
"""What people talk about: counted for a whole turf, noted of a person by consent only."""


def theme_label(code: str) -> str:
    """Key of a theme's word in the locale's texts."""
    return f"book.theme.{code}"
