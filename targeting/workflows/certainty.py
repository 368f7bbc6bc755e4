"""How sure the scores of a workspace are: errors of a past transition, kept till sources move."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.scoring.basis import Basis
from targeting.scoring.cycles import learning_transition
from targeting.scoring.intervals import Calibration, calibrate
from targeting.scoring.rankings import gap_left, product
from targeting.store import reference
from targeting.workflows.progress import Progress, silent
from targeting.workflows.tallies import load_tallies

CACHE_VERSION: Final = "v1"


@dataclass(frozen=True)
class Certainty:
    """Errors of the reservoir and of the score at the cycle before; none: `why` tells."""

    reservoir: Calibration | None
    score: Calibration | None
    why: str


def workspace_certainty(
    workspace: Workspace,
    basis: Basis,
    target: Sequence[str],
    *,
    progress: Progress = silent,
) -> Certainty:
    """Calibrate on the cycle before the basis', of all stations imported; kept in the cache."""
    kept = workspace.root / "cache" / f"certainty-{_digest(workspace, basis, target)}.json"
    if kept.exists():
        facts = json.loads(kept.read_text())
        parts = {k: Calibration(**facts[k]) if facts[k] else None for k in ("reservoir", "score")}
        return Certainty(parts["reservoir"], parts["score"], facts["why"])
    progress("calibrating intervals on the past (kept for the next time)")
    found = _calibrate(workspace, basis, target)
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(found)))
    draft.replace(kept)
    return found


def _calibrate(workspace: Workspace, basis: Basis, target: Sequence[str]) -> Certainty:
    tallies = load_tallies(workspace, reference.list_elections(workspace), target=target)
    past = learning_transition(tallies, basis)
    if past is None:
        why = (
            "no interval: no earlier cycle is imported to calibrate it on (a presidential first "
            "round, a low-turnout election after it, and a later first round of ten points more)."
        )
        return Certainty(None, None, why)
    try:
        return Certainty(
            calibrate(tallies, past, gap_left),
            calibrate(tallies, past, product),
            f"80 % intervals, from the errors of {past.t0} to {past.t1}.",
        )
    except TargetingError as error:
        return Certainty(None, None, f"no interval: {error}")


def _digest(workspace: Workspace, basis: Basis, target: Sequence[str]) -> str:
    parts: list[object] = [CACHE_VERSION, basis.elections, sorted(target)]
    for kind in ("turnout", "votes"):
        for path in sorted((workspace.reference / kind).glob("*.parquet")):
            stat = path.stat()
            parts.append([kind, path.name, stat.st_size, stat.st_mtime_ns])
    if workspace.blocs.exists():
        parts.append(hashlib.sha256(workspace.blocs.read_bytes()).hexdigest())
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
