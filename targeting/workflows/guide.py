"""The way from an empty workspace to the first coloured map, read from what is there.

Nothing is kept of where somebody was: whoever opens the screen, whenever, finds the same steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from targeting.codes import (
    commune_of_arrondissement,
    held_on,
    parse_election_id,
)
from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.reference.held import OUTLINED, list_elections, list_stations
from targeting.reference.tables import list_layers
from targeting.scoring.basis import NOT_LOW
from targeting.sources.fetching.catalogue import Publication, publications
from targeting.store.queries import UNNAMED
from targeting.workflows.access.asks import asks
from targeting.workflows.setup import CampaignCard, campaign_card, init_workspace, is_demo
from targeting.workflows.stations.scores import campaign_basis

STEPS: Final = ("commune", "results", "stations", "addresses", "streets")
STATES: Final = ("done", "todo", "later")
"""later: of use once there is a map; the map does without."""

NEEDED: Final = ("commune", "results", "stations")
"""Steps without which no map is coloured."""

COMMANDS: Final = {
    "commune": "init --commune 13055", "results": "import results FICHIER…",
    "stations": "import stations FICHIER", "addresses": "import addresses FICHIER",
    "streets": "import streets FICHIER",
}  # fmt: skip
"""Step → the command that does the same."""

NOT_OFFERED: Final = ("general_results", "candidats_results")
"""Publications that are no file of one election: they go together, by the command line."""

CITIES: Final = {  # the most populous, by Insee's code; any other is written by its code
    "Paris": "75056", "Marseille": "13055", "Lyon": "69123", "Toulouse": "31555", "Nice": "06088",
    "Nantes": "44109", "Montpellier": "34172", "Strasbourg": "67482", "Bordeaux": "33063",
    "Lille": "59350", "Rennes": "35238", "Toulon": "83137", "Reims": "51454",
    "Saint-Étienne": "42218", "Le Havre": "76351", "Dijon": "21231", "Grenoble": "38185",
    "Villeurbanne": "69266", "Angers": "49007", "Saint-Denis (93)": "93066", "Nîmes": "30189",
    "Clermont-Ferrand": "63113", "Aix-en-Provence": "13001", "Le Mans": "72181", "Brest": "29019",
    "Tours": "37261", "Amiens": "80021", "Annecy": "74010", "Limoges": "87085", "Metz": "57463",
    "Boulogne-Billancourt": "92012", "Perpignan": "66136", "Besançon": "25056",
    "Orléans": "45234", "Rouen": "76540", "Montreuil": "93048", "Caen": "14118",
    "Argenteuil": "95018", "Mulhouse": "68224", "Nancy": "54395", "Roubaix": "59512",
    "Tourcoing": "59599", "Nanterre": "92050", "Créteil": "94028", "Vitry-sur-Seine": "94081",
    "Avignon": "84007", "Poitiers": "86194", "Aubervilliers": "93001",
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One step: `state` of STATES, and what is there already.

    elections: ids (results); layers: name, year and rows of each table (the others).
    """

    name: str
    state: str
    elections: list[str] = field(default_factory=list)
    layers: list[tuple[str, str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Guide:
    """All the steps of a workspace.

    communes: of the campaign; lacks: what the results lack before a score can be made, of
    `presidential`, `low` and `gap` (elections are there, and none has few enough voters); is_ready:
    whether the map would be coloured.
    """

    has_campaign: bool
    is_demo: bool
    communes: list[str]
    steps: dict[str, Step]
    lacks: str
    is_ready: bool

    @property
    def next_step(self) -> str:
        """The first step to do; nothing where the map is ready and nothing waits."""
        return next((s.name for s in self.steps.values() if s.state == "todo"), "")


@asks("files.import")
def read_guide(workspace: Workspace) -> Guide:
    """Look at how far the workspace is."""
    if not workspace.exists:
        steps = {n: Step(n, "todo" if n in NEEDED else "later") for n in STEPS}
        return Guide(False, False, [], steps, "presidential", False)
    card = campaign_card(workspace)
    elections = list_elections(workspace)
    lacks = what_results_lack(workspace, elections)
    outlines = [(s, v, sheet.rows) for s, v, sheet in list_stations(workspace, origins=OUTLINED)]
    layers = {
        folder: [(s, v, sheet.rows) for s, v, sheet in list_layers(workspace, folder)]
        for folder in ("addresses", "streets")
    }
    steps = {
        "commune": Step("commune", "done" if card.communes else "todo"),
        "results": Step("results", "todo" if lacks else "done", elections=elections),
        "stations": Step("stations", "done" if outlines else "todo", layers=outlines),
    }
    for name, found in layers.items():
        steps[name] = Step(name, "done" if found else "later", layers=found)
    is_ready = not lacks and bool(outlines)
    return Guide(True, is_demo(workspace), card.communes, steps, lacks, is_ready)


def what_results_lack(workspace: Workspace, elections: list[str]) -> str:
    """`presidential`, `low` or `gap`; nothing where a score can be made."""
    kinds = [parse_election_id(e) for e in elections]
    if not any((e.kind, e.round_number) == ("pres", 1) for e in kinds):
        return "presidential"
    if all(e.kind in NOT_LOW for e in kinds):
        return "low"
    try:
        campaign_basis(workspace)
    except TargetingError:
        return "gap"
    return ""


def offered(step: str, elections: list[str]) -> list[Publication]:
    """Publications that a step can fetch; of results, those a score wants first come first."""
    found = [p for p in publications().values() if p.kind == step and p.id not in NOT_OFFERED]
    if step != "results":
        return found
    newest = sorted(found, key=_age, reverse=True)
    wanted = [p for p in newest if _is_first_round(p, "pres")][:1]
    wanted += [p for p in newest if _is_first_round(p, "legi", "euro", "muni", "regi", "dpmt")]
    there = set(elections)
    missing = [p for p in wanted if not there.issuperset(p.elections)]
    missing = sorted(missing, key=lambda p: p not in wanted[:1])
    rest = [p for p in newest if p not in missing and not there.issuperset(p.elections)]
    return missing + rest + [p for p in newest if there.issuperset(p.elections)]


def _age(publication: Publication) -> tuple[int, int, int]:
    return max(held_on(parse_election_id(e)) for e in publication.elections)


def _is_first_round(publication: Publication, *kinds: str) -> bool:
    rounds = [parse_election_id(e) for e in publication.elections]
    return any(e.kind in kinds and e.round_number == 1 for e in rounds)


def commune_codes(chosen: list[str]) -> list[str]:
    """Codes of communes given by name or code. `init_workspace` refuses what is none.

    >>> commune_codes(["Marseille", " 13001", "Lyon (69123)", "13203"])
    ['13055', '13001', '69123']
    """
    codes = []
    for text in chosen:
        plain = text.strip()
        inside = plain.rpartition("(")[2].rstrip(")").strip().upper()
        code = CITIES.get(plain) or (inside if inside[:1].isdigit() else plain)
        codes.append(commune_of_arrondissement(code))
    return list(dict.fromkeys(codes))


def city_name(code: str) -> str:
    """A commune as people say it, where its name is known: `Marseille (13055)`."""
    name = next((name for name, known in CITIES.items() if known == code), "")
    return f"{name} ({code})" if name else code


def campaign_title(card: CampaignCard) -> str:
    """A campaign as a sheet names it: one without a name of its own is that of its city."""
    names = [city_name(code).partition(" (")[0] for code in card.communes]
    is_known = bool(names) and not set(names) & set(card.communes)
    return ", ".join(names) if card.name == UNNAMED and is_known else card.name


@asks("campaign.change")
def choose_communes(workspace: Workspace, chosen: list[str]) -> list[str]:
    """Make the campaign of these communes, or change its communes; gives their codes.

    Raises TargetingError for what is no commune.
    """
    if not chosen:
        raise TargetingError("which commune? Write its name, or its INSEE code (13055).")
    return init_workspace(workspace, communes=commune_codes(chosen)).communes
