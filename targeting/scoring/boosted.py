"""T3: gradient boosting that learnt on the previous cycle what follows from two past rounds.

It is trained on a transition that ended before, whose t0 is thinned, and applied ex ante to the
features of now. Features are standardised within their own cycle, so that a national swing moves
nothing. Label: the mean of G and M, each per registered voter and standardised; G alone follows
local candidates, M alone misses who came back (see notebook 02 for what was tried). Where t0 is a
second round, many stations had no candidate of the target: M alone is learnt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from targeting.codes import commune_of, parse_election_id
from targeting.scoring.tallies import abstention_of, share_of, support_of, turnout_of
from targeting.scoring.thinning import thin_tally

if TYPE_CHECKING:
    from targeting.scoring.backtest import Tallies, Transition

TRAIN_PART: Final = 0.5
"""Half of the voters of t0 make the features of training, the others the label: at 90/10 the label
would be the noisier by as much as the features were better."""

SETTINGS: Final[dict[str, Any]] = {
    "max_iter": 120,
    "learning_rate": 0.06,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 200,
    "l2_regularization": 1.0,
    "max_bins": 64,
    "early_stopping": False,
}
"""Small trees of large leaves: a leaf holds 200 stations, some 170,000 voters. Stations are not
weighted: their sizes differ little, and weighted bins cost three times as long."""

POOLED: Final = ("abstention", "share_low", "share_high", "product", "drop_off", "gap")
"""Features whose means over the commune, the constituency and the department are features too."""


@dataclass(frozen=True)
class Boosted:
    """A trained model, and what it was trained on."""

    model: Any
    columns: tuple[str, ...]
    t0: str
    t1: str
    stations: int

    def predict(self, features: pd.DataFrame) -> pd.Series:
        """Expected gain of each station, in standard deviations of the training label."""
        with threadpool_limits(1, user_api="openmp"):
            found = self.model.predict(features.reindex(columns=self.columns).to_numpy())
        return pd.Series(found, index=features.index, name="boosted")


def build_features(
    presidential: pd.DataFrame,
    latest: pd.DataFrame,
    older: pd.DataFrame | None,
    constituency: pd.Series,
    *,
    second: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """What is known of each station before t1, standardised over the stations of its cycle.

    Tallies of the presidential round, of the latest low-turnout one, of the one before it and of
    the presidential second round (missing values without them), on the index of `constituency`.
    """
    stations = constituency.index
    high, low = (t.reindex(stations) for t in (presidential, latest))
    absent = abstention_of(low)
    before = abstention_of(older.reindex(stations)) if older is not None else absent * np.nan
    then = share_of(older.reindex(stations)) if older is not None else absent * np.nan
    mean = pd.concat([absent, before], axis=1).mean(axis=1)
    share, gap = share_of(high), turnout_of(high) - turnout_of(low)
    raw = pd.DataFrame(
        {
            "abstention": absent,
            "abstention_before": before,
            "abstention_mean": mean,
            "abstention_high": abstention_of(high),
            "share_low": share_of(low),
            "share_before": then,
            "share_high": share,
            "support_low": support_of(low),
            "product": mean * share,
            "naive": absent * share_of(low),
            "gap": gap,
            "gap_left": gap * share,
            "drop_off": support_of(high) - support_of(low),
            "blank_high": (high["votes_cast"] - high["valid_votes"])
            / high["registered"].where(high["registered"] > 0),
        }
    )
    if second is not None:
        last = second.reindex(stations)
        cast, valid = (last[c].where(last[c] > 0) for c in ("votes_cast", "valid_votes"))
        raw["abstention_second"] = abstention_of(last)
        raw["blank_second"] = (cast - last["valid_votes"]) / cast
        raw["far_right_second"] = last["far_right"] / valid
    alike = (raw - raw.mean()) / raw.std(ddof=0).replace(0.0, 1.0)
    people = low["registered"].clip(lower=1)
    communes = stations.to_series().map(commune_of)
    places = {
        "commune": communes,
        "constituency": constituency.fillna(communes.str.slice(0, 2) + "?"),
        "department": communes.str.slice(0, 2),
    }
    pooled = [
        alike[list(POOLED)].groupby(place).transform("mean").add_suffix(f"_{name}")
        for name, place in places.items()
    ]
    size = pd.DataFrame(
        {
            "registered": np.log(people),
            "commune_registered": np.log(people.groupby(communes).transform("sum").clip(lower=1)),
        }
    )
    return pd.concat([alike, *pooled, size], axis=1)


def features_of(tallies: Tallies, transition: Transition) -> pd.DataFrame:
    """`build_features` of the stations of a transition."""
    basis = transition.basis
    older = tallies[basis.low[1]] if len(basis.low) > 1 else None
    return build_features(
        tallies[basis.presidential],
        tallies[basis.latest_low],
        older,
        transition.constituency,
        second=tallies.get(basis.presidential.removesuffix("1") + "2"),
    )


def train_boosted(
    tallies: Tallies, transition: Transition, *, seed: int = 0, without: pd.Series | None = None
) -> Boosted:
    """Learn on a past transition.

    Parameters
    ----------
    tallies
        Of every election of the transition, t1 included.
    transition
        One that ended before the elections to apply the model to.
    seed
        Of the thinning and of the trees.
    without
        Stations to leave out of the training (true: left out), for leave-departments-out checks.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    from targeting.scoring.backtest import label

    then = tallies[transition.t0].reindex(transition.stations)
    now = tallies[transition.t1].reindex(transition.stations)
    seen, unseen = thin_tally(then, seed=seed, part=TRAIN_PART)
    features = features_of({**tallies, transition.t0: seen}, transition).dropna(axis=1, how="all")
    kinds = ("G", "M") if parse_election_id(transition.t0).round_number == 1 else ("M",)
    wanted = pd.Series(0.0, index=transition.stations)
    for kind in kinds:
        gain = label(unseen, now, kind, sign=transition.sign) / transition.registered
        wanted += (gain - gain.mean()) / gain.std(ddof=0)
    rows = np.ones(len(features), bool) if without is None else ~without.to_numpy()
    model = HistGradientBoostingRegressor(**SETTINGS, random_state=seed)
    with threadpool_limits(1, user_api="openmp"):
        model.fit(
            features.to_numpy()[rows],
            (wanted / len(kinds)).to_numpy()[rows],
        )
    return Boosted(model, tuple(features.columns), transition.t0, transition.t1, int(rows.sum()))


def blend(one: pd.Series, other: pd.Series) -> pd.Series:
    """Sum of two scores in standard deviations of each, on the index of the first."""

    def standard(score: pd.Series) -> pd.Series:
        spread = score.std(ddof=0)
        return (score - score.mean()) / (spread if spread > 0 else 1.0)

    return standard(one) + standard(other.reindex(one.index))


def on_scale_of(score: pd.Series, order: pd.Series) -> pd.Series:
    """The values of `score`, dealt out again in another order: its first goes to the order's first.

    So that a learnt ranking keeps T0's scale; missing where either is.
    """
    both = score.notna() & order.reindex(score.index).notna()
    places = np.argsort(-order.reindex(score.index)[both].to_numpy(), kind="stable")
    dealt = np.empty(len(places))
    dealt[places] = -np.sort(-score[both].to_numpy())
    return pd.Series(dealt, index=score.index[both]).reindex(score.index)
