"""What this campaign knows of its doors: priors of data/, or its own copy, and its log."""

from __future__ import annotations

import tomllib
from typing import Any, Final

import pandas as pd

from targeting.config import Workspace
from targeting.errors import SourceError
from targeting.store.engine import open_store, reading
from targeting.store.visits import load_visits
from targeting.turf.learning import FieldModel, learn_field_model
from targeting.turf.minutes import OUR_MODEL, TimeModel
from targeting.workflows.buildings import load_buildings

OWN_COPY: Final = "field_model.toml"


def campaign_field_model(workspace: Workspace, visits: pd.DataFrame | None = None) -> FieldModel:
    """Times, opening rates and effect, learnt from the campaign's visits as far as there are any.

    A file `field_model.toml` in the workspace takes the place of ours. Raises SourceError if it
    cannot be read, TurfError if a number is missing.
    """
    if visits is None:
        with reading(open_store(workspace)) as session:
            visits = load_visits(session)
    kind = load_buildings(workspace).set_index("building_id")["kind"]
    return learn_field_model(_prior(workspace), visits.assign(kind=visits["building_id"].map(kind)))


def campaign_time_model(workspace: Workspace) -> TimeModel:
    """How long doors take in this campaign."""
    return campaign_field_model(workspace).time


def _prior(workspace: Workspace) -> dict[str, Any]:
    own = workspace.root / OWN_COPY
    path = own if own.exists() else OUR_MODEL
    try:
        return tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SourceError(
            path.name, f"cannot be read ({error}).",
            way_out="Copy data/field_model.toml again and change its numbers only.",
        ) from error  # fmt: skip
