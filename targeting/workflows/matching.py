"""How the roll was found among the addresses, read without the buildings it was found for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from targeting.config import Workspace
from targeting.reference.held import PAST_OF
from targeting.reference.moments import one_moment
from targeting.workflows.cache import BUNDLE, FACTS, Bundle, Kind, cached, content_of
from targeting.workflows.setup import campaign_card

CACHE_VERSION: Final = "v3"


@dataclass(frozen=True)
class MatchReport:
    """How the roll's addresses were found in the BAN: rows and voters per step."""

    addresses: dict[str, int]
    voters: dict[str, int]

    @property
    def rate(self) -> float:
        """Share of the addresses found (not by a neighbouring number)."""
        return self._share(self.addresses)

    @property
    def voter_rate(self) -> float:
        """Share of the voters whose address was found."""
        return self._share(self.voters)

    @staticmethod
    def _share(counts: dict[str, int]) -> float:
        found = sum(counts.get(step, 0) for step in ("exact", "suffix", "across"))
        return found / max(sum(counts.values()), 1)


def match_report(workspace: Workspace, communes: Sequence[str] | None = None) -> MatchReport | None:
    """How the roll was matched, or nothing where there is no roll."""
    wanted = list(communes or campaign_card(workspace).communes) or None
    facts = kept_buildings(workspace, wanted, FACTS).facts
    return MatchReport(**facts) if facts else None


@one_moment
def kept_buildings(
    workspace: Workspace, communes: list[str] | None, kind: Kind[Bundle] = BUNDLE
) -> Bundle:
    """The buildings of these communes, as kept; made where they are not, or a source moved."""

    def make() -> Bundle:
        from targeting.workflows.making_buildings import make_buildings

        return make_buildings(workspace, communes)

    made_of = (*PAST_OF, "voter_addresses", "doors")  # outlines and rolls of now come by the past
    parts = [CACHE_VERSION, communes, *content_of(workspace, made_of, blocs=True)]
    return cached(workspace, "buildings", parts, make, kind)
