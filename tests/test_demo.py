"""The invented town: its contracts, its geography, its privacy and its planted truth."""

import hashlib
import inspect
from datetime import date
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from targeting.crs import METRIC_CRS
from targeting.demo import build_town, visit_rows
from targeting.outcomes import OUTCOMES_TABLE, THEMES
from targeting.tables import (
    Addresses,
    BlocRows,
    Quarters,
    Stations,
    Streets,
    Turnout,
    VoterAddresses,
    Votes,
)

pytestmark = pytest.mark.slow  # the invented town is made several times

ROUNDS = [
    "2017_pres_t1", "2017_legi_t1", "2022_pres_t1", "2022_legi_t1", "2024_legi_t1", "2024_legi_t2",
]  # fmt: skip
LEFT = {"left", "ecologist", "far_left"}
TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def town():
    return build_town()


@pytest.fixture(scope="module")
def stops(town):
    """Turfs of ten addresses each, the largest building cut between two turfs."""
    voters = town.voter_addresses.set_index(["street", "number", "suffix"])["registered"]
    keys = pd.MultiIndex.from_frame(town.addresses[["street", "number", "suffix"]])
    doors = (voters.reindex(keys).fillna(0) / 1.6).round().clip(lower=1).astype(int).to_numpy()
    table = pd.DataFrame({"building_id": town.addresses["address_id"], "dwellings": doors})
    tower = table["dwellings"].idxmax()
    half = table.loc[[tower]].assign(dwellings=table["dwellings"] // 2)
    table.loc[tower, "dwellings"] -= half["dwellings"].iloc[0]
    table = pd.concat([half, table.drop(tower), table.loc[[tower]]], ignore_index=True)
    table["turf_id"] = [f"T{i // 10:04d}" for i in table.index]
    table["visit_order"] = table.groupby("turf_id").cumcount() + 1
    return table[["turf_id", "visit_order", "building_id", "dwellings"]]


def tables_of(town):
    """All tables by name, the results among them."""
    tables = {k: v for k, v in vars(town).items() if isinstance(v, pd.DataFrame)}
    for election_id, (turnout, votes) in town.results.items():
        tables |= {f"turnout {election_id}": turnout, f"votes {election_id}": votes}
    return tables


def bytes_of(town):
    """One hash a table: all its values, and its geometry to the last bit."""
    hashes = {}
    for name, table in tables_of(town).items():
        digest = hashlib.sha256()
        if isinstance(table, gpd.GeoDataFrame):
            digest.update(b"".join(shapely.to_wkb(table.geometry.values)))
        digest.update(table.to_csv().encode())
        hashes[name] = digest.hexdigest()
    return hashes


def left_share(town, election_id):
    votes = town.results[election_id][1]
    blocs = town.blocs[town.blocs["election_id"] == election_id]
    key = "candidate" if "pres" in election_id else "nuance_code"
    left = votes[key].map(blocs.set_index(key)["bloc"]).isin(LEFT)
    by_station = votes.assign(left=votes["votes"] * left).groupby("station_id")
    return by_station["left"].sum() / by_station["votes"].sum()


def turnout_rate(town, election_id):
    turnout = town.results[election_id][0].set_index("station_id")
    return turnout["votes_cast"] / turnout["registered"]


def test_every_table_keeps_its_contract(town):
    Streets.check(town.streets)
    Addresses.check(town.addresses)
    Stations.check(town.stations)
    VoterAddresses.check(town.voter_addresses)
    BlocRows.check(town.blocs)
    assert list(town.results) == ROUNDS
    for election_id, (turnout, votes) in town.results.items():
        assert set(Turnout.check(turnout)["election_id"]) == {election_id}
        assert set(Votes.check(votes)["election_id"]) == {election_id}
    Quarters.check(town.quarters)
    layers = (town.outline, town.water, town.rail, town.parks, town.streets, town.stations)
    for layer in (*layers, town.quarters):
        assert layer.crs == METRIC_CRS
        assert layer.geometry.is_valid.all()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_town(town):
    first, again = bytes_of(town), bytes_of(build_town())
    other = bytes_of(build_town(seed=7))
    assert first == again
    kept = {name for name in first if first[name] == other[name]}
    assert kept == {"blocs"}, "candidates and their blocs are chosen by hand"


def test_the_day_moves_the_dates_of_contacts_and_nothing_else(town):
    before, after = bytes_of(town), bytes_of(build_town(today=date(2027, 1, 4)))
    assert {name for name in before if before[name] != after[name]} == {"contacts"}


def test_stations_tile_the_commune_without_overlap_or_gap(town):
    shapes = town.stations.geometry
    assert shapely.coverage_is_valid(shapes.values)
    assert set(shapes.geom_type) == {"Polygon"}
    assert shapes.area.sum() == pytest.approx(town.outline.area.sum())
    assert shapes.union_all().symmetric_difference(town.outline.union_all()).area < 1e-3


def test_quarters_tile_the_commune_and_each_has_an_invented_name(town):
    assert shapely.coverage_is_valid(town.quarters.geometry.values)
    assert town.quarters.area.sum() == pytest.approx(town.outline.area.sum())
    assert town.quarters["name"].is_unique
    assert "Vieille Ville" in set(town.quarters["name"])


def test_the_town_lies_far_from_any_real_street(town):
    west, south, east, north = town.outline.total_bounds
    assert 140_000 < west < east < 160_000
    assert 6_590_000 < south < north < 6_610_000


def test_every_address_lies_in_exactly_one_station(town):
    points = shapely.points(town.addresses["x"], town.addresses["y"])
    address, station = shapely.STRtree(town.stations.geometry.values).query(points, "within")
    assert sorted(address) == list(range(len(town.addresses)))

    found = town.addresses.iloc[address].assign(
        station=town.stations["station_id"].to_numpy()[station]
    )
    rolls = town.voter_addresses.merge(found, on=["street", "number", "suffix"], how="left")
    assert (rolls["station"] == rolls["station_id"]).all()


def test_addresses_are_written_as_ban_writes_them(town):
    addresses = town.addresses
    assert addresses["address_id"].str.fullmatch(r"99001_\d{4}_\d{5}(_(bis|ter))?").all()
    assert 11_000 < len(addresses) < 13_500
    assert not addresses.duplicated(["street", "number", "suffix"]).any()
    assert addresses.groupby("street")["address_id"].first().str[:10].is_unique
    assert set(addresses["suffix"]) == {"", "bis", "ter"}


def test_odd_numbers_stand_on_one_side_of_a_street_and_even_ones_on_the_other(town):
    streets = town.streets[town.streets["kind"] == "residential"].reset_index(drop=True)
    points = shapely.points(town.addresses["x"], town.addresses["y"])
    point, street = shapely.STRtree(streets.geometry.values).query(points, "dwithin", 12)
    own = streets["street"].to_numpy()[street] == town.addresses["street"].to_numpy()[point]
    point, line = points[point[own]], streets.geometry.values[street[own]]
    odd = (
        town.addresses["number"].to_numpy()[
            shapely.STRtree(points).query_nearest(point, all_matches=False)[1]
        ]
        % 2
        == 1
    )
    along = shapely.line_locate_point(line, point)
    inside = (along > 1) & (along < shapely.length(line) - 1)
    here = shapely.get_coordinates(shapely.line_interpolate_point(line, along - 0.5))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, along + 0.5))
    away = shapely.get_coordinates(point) - here
    left = (ahead - here)[:, 0] * away[:, 1] - (ahead - here)[:, 1] * away[:, 0] > 0
    assert (left == odd)[inside].mean() > 0.99
    assert 8 < np.median(shapely.distance(point, line)) < 10


def test_registered_voters_per_address_add_up_to_the_last_roll(town):
    rolls = town.voter_addresses.groupby("station_id")["registered"].sum()
    turnout = town.results["2024_legi_t2"][0].set_index("station_id")["registered"]
    assert (rolls == turnout.rename_axis("station_id")).all()
    assert (turnout.sort_values().iloc[1:] >= 600).all()
    assert turnout.max() <= 1200
    assert turnout.min() < 100, "one very small station"


def test_dwellings_go_from_houses_to_towers(town):
    dwellings = (town.voter_addresses["registered"] / 1.6).round().clip(lower=1)
    assert 70 < dwellings.max() <= 120
    assert 0.4 < (dwellings == 1).mean() < 0.8


def test_streets_cross_the_river_at_two_bridges_only(town):
    wet = town.streets[town.streets.intersects(town.water.union_all())]
    assert set(wet["kind"]) == {"bridge"}
    assert wet["street"].nunique() == 2
    assert town.streets.loc[town.streets["kind"] == "bridge", "street"].nunique() == 2


def test_streets_cross_the_railway_at_underpasses_only(town):
    crossing = town.streets[town.streets.intersects(town.rail.union_all())]
    assert set(crossing["kind"]) == {"underpass"}
    assert 2 <= crossing["street"].nunique() <= 5


def test_no_station_straddles_the_river(town):
    dry = shapely.get_parts(town.outline.union_all().difference(town.water.union_all()))
    assert len(dry) == 2
    for shape in town.stations.geometry:
        assert sum(shape.intersection(bank).area > 1 for bank in dry) == 1


def test_one_can_walk_from_any_street_to_any_other(town):
    ends = shapely.get_point(town.streets.geometry.values, [[0], [-1]])
    xy = shapely.get_coordinates(ends.ravel()).round(2)
    _, node = np.unique(xy, axis=0, return_inverse=True)
    a, b = node.reshape(2, -1)
    reached, found = {a[0]}, True
    while found:
        found = False
        for i, j in zip(a, b, strict=True):
            if (i in reached) != (j in reached):
                reached |= {i, j}
                found = True
    assert len(reached) > 0.99 * len(set(node))


def test_turnout_is_that_of_a_french_town(town):
    rate = {e: t["votes_cast"].sum() / t["registered"].sum() for e, (t, _) in town.results.items()}
    assert 0.72 < rate["2022_pres_t1"] < rate["2017_pres_t1"] < 0.77
    assert 0.42 < rate["2022_legi_t1"] < rate["2017_legi_t1"] < 0.47
    assert rate["2022_pres_t1"] - rate["2017_legi_t1"] > 0.10
    assert 0.62 < rate["2024_legi_t2"] <= rate["2024_legi_t1"] + 0.01 < 0.68


def test_votes_add_up_to_valid_votes(town):
    for turnout, votes in town.results.values():
        counted = votes.groupby("station_id")["votes"].sum()
        valid = turnout.set_index("station_id")["valid_votes"]
        assert counted.to_dict() == valid.to_dict()


def test_every_line_of_the_ballot_has_one_bloc(town):
    for election_id, (_, votes) in town.results.items():
        blocs = town.blocs[town.blocs["election_id"] == election_id]
        key, empty = ("candidate", "nuance_code")
        if "legi" in election_id:
            key, empty = empty, key
        else:
            assert votes["nuance_code"].isna().all()
        assert blocs[empty].isna().all()
        assert blocs[key].is_unique
        assert set(votes[key]) == set(blocs[key])


def test_at_most_three_stand_in_a_second_round(town):
    votes = town.results["2024_legi_t2"][1]
    assert votes.groupby("station_id")["line"].max().between(2, 3).all()


def test_two_constituencies_of_like_size_keep_their_stations(town):
    codes = [t.set_index("station_id")["constituency_code"] for t, _ in town.results.values()]
    assert all((a == b).all() for a, b in pairwise(codes))
    sizes = town.results["2024_legi_t1"][0].groupby("constituency_code")["registered"].sum()
    assert list(sizes.index) == ["9901", "9902"]
    assert sizes.min() > 0.4 * sizes.sum()


def test_one_station_alone_jumped_between_2017_and_2022(town):
    then, later, now = (
        town.results[e][0].set_index("station_id")["registered"]
        for e in ("2017_pres_t1", "2022_pres_t1", "2024_legi_t1")
    )
    assert ((later / then - 1).abs() > 0.10).sum() == 1
    assert ((now / later - 1).abs() < 0.10).all()


def test_the_product_score_finds_the_planted_truth_but_not_wholly(town):
    abstention = 1 - (turnout_rate(town, "2017_legi_t1") + turnout_rate(town, "2022_legi_t1")) / 2
    score = abstention * left_share(town, "2022_pres_t1")
    known = town.voter_addresses.merge(town.addresses, on=["street", "number", "suffix"])
    known = known.merge(town.truth, left_on="address_id", right_on="building_id")
    sums = known.groupby("station_id")[["left_abstainers", "registered"]].sum()
    truth = sums["left_abstainers"] / sums["registered"]
    agreement = pd.concat([score, truth], axis=1).corr("spearman").iloc[0, 1]
    assert 0.8 < agreement < 0.995


def test_estates_lean_left_and_abstain(town):
    share, rate = left_share(town, "2022_pres_t1"), turnout_rate(town, "2022_legi_t1")
    assert share.max() - share.min() > 0.3
    assert pd.concat([share, rate], axis=1).corr().iloc[0, 1] < -0.4


def test_the_planted_truth_is_in_no_other_table(town):
    planted = set(town.truth.columns) - {"building_id"}
    assert list(town.truth["building_id"]) == list(town.addresses["address_id"])
    for name, table in tables_of(town).items():
        if name == "truth":
            continue
        assert not planted & set(table.columns), name
        for column in table.select_dtypes("number"):
            for secret in planted:
                shared = np.intersect1d(table[column].dropna(), town.truth[secret])
                assert set(shared) <= {0.0}, (name, column, secret)


def test_contacts_keep_the_rules_of_privacy(town):
    people = town.contacts
    assert len(people) == 3000
    assert people["contact_id"].is_unique
    assert set(people["category"]) == {"member", "regular", "occasional"}
    assert set(people["legal_basis"]) == {"consent", "regular_contact", "legitimate_interest"}
    assert set(people["source"]) == {"door", "stand", "website", "meeting"}
    for needed in ("source", "source_date", "category", "legal_basis", "notice_date",
                   "notice_version", "building_id", "retention_date"):  # fmt: skip
        assert people[needed].notna().all(), needed
    silent = people[people["consent_date"].isna()]
    assert len(silent) > 300
    for kept in ("first_name", "last_name", "phone", "email", "themes", "age_band", "door_id",
                 "consent_channel", "consent_wording"):  # fmt: skip
        assert silent[kept].isna().all(), kept
    assert not silent["ttpa_consent"].any()
    assert (silent["legal_basis"] != "consent").all()
    assert people.loc[people["category"] == "occasional", "themes"].isna().all()
    agreed = people[people["consent_date"].notna()]
    assert (agreed["legal_basis"] == "consent").all()
    assert (people["retention_date"] > TODAY).all()
    assert (people["source_date"] < TODAY).all()


def test_contacts_hold_nothing_political_but_their_own_words(town):
    assert list(town.contacts.columns) == [
        "contact_id", "category", "first_name", "last_name", "phone", "email", "age_band",
        "themes", "building_id", "door_id", "source", "source_date", "legal_basis",
        "notice_date", "notice_version", "consent_date", "consent_channel", "consent_wording",
        "ttpa_consent", "retention_date",
    ]  # fmt: skip
    assert set(town.contacts["themes"].dropna().str.split("|").explode()) == set(THEMES) - {"other"}


def test_phones_are_fictional_and_addresses_lead_nowhere(town):
    assert town.contacts["phone"].dropna().str.fullmatch(r"\+3363998\d{4}").all()
    assert town.contacts["phone"].dropna().is_unique
    assert town.contacts["email"].dropna().str.fullmatch(r"[a-z.0-9]+@example\.org").all()


def test_contacts_live_behind_doors_that_exist(town):
    voters = town.voter_addresses.merge(town.addresses, on=["street", "number", "suffix"])
    doors = (voters.set_index("address_id")["registered"] / 1.6).round().clip(lower=1)
    at = town.contacts.dropna(subset="door_id")
    building, number = at["door_id"].str.rsplit("/", n=1, expand=True).T.to_numpy()
    assert (building == at["building_id"]).all()
    most = at["building_id"].map(doors).fillna(1).to_numpy()
    assert ((number.astype(int) >= 1) & (number.astype(int) <= most)).all()
    assert set(town.contacts["building_id"]) <= set(town.addresses["address_id"])


def test_visits_follow_the_walking_order_up_to_a_stop(town, stops):
    visits = visit_rows(town, stops, seed=1, today=TODAY)
    turfs = stops["turf_id"].nunique()
    assert 0.42 < visits["turf_id"].nunique() / turfs < 0.58
    order = stops.set_index(["turf_id", "building_id"])["visit_order"]
    walked = visits.assign(
        order=order.reindex(pd.MultiIndex.from_frame(visits[["turf_id", "building_id"]])).to_numpy()
    )
    for _, turf in walked.groupby("turf_id"):
        assert turf["order"].is_monotonic_increasing
        assert turf["visited_at"].is_monotonic_increasing
        assert turf["order"].nunique() == turf["order"].max()
    longest = stops.groupby("turf_id")["visit_order"].max()
    reached = walked.groupby("turf_id")["order"].max()
    assert 0.4 < (reached == longest.reindex(reached.index)).mean() < 0.7


def test_visits_are_in_the_past_at_hours_when_people_are_home(town, stops):
    at = visit_rows(town, stops, seed=1, today=TODAY)["visited_at"]
    assert str(at.dt.tz) == "UTC"
    assert (at < pd.Timestamp(TODAY, tz="Europe/Paris")).all()
    local = at.dt.tz_convert("Europe/Paris")
    assert local.dt.hour.between(14, 20).all()
    assert (local.dt.hour[local.dt.day_of_week < 5] >= 18).all()


def test_outcomes_have_the_shares_of_the_field_and_no_door_is_knocked_twice(town, stops):
    visits = visit_rows(town, stops, seed=1, today=TODAY)
    shares = visits["outcome"].value_counts(normalize=True)
    assert set(shares.index) == {o.code for o in OUTCOMES_TABLE if o.demo_share}
    assert shares["not_home"] == pytest.approx(0.62, abs=0.02)
    assert shares["talked"] == pytest.approx(0.20, abs=0.02)
    assert visits["visit_id"].is_unique
    assert visits["door_id"].is_unique
    assert list(visits.columns) == [
        "visit_id", "building_id", "door_id", "turf_id", "visited_at", "outcome",
    ]  # fmt: skip
    pd.testing.assert_frame_equal(visits, visit_rows(town, stops, seed=1, today=TODAY))
    assert not visits.equals(visit_rows(town, stops, seed=2, today=TODAY))


def test_no_turf_gives_no_visit(town, stops):
    assert visit_rows(town, stops.head(0), seed=1, today=TODAY).empty


def test_contacts_are_drawn_without_looking_at_votes():
    from targeting.demo.people import build_contacts

    assert list(inspect.signature(build_contacts).parameters) == [
        "housing",
        "today",
        "ballot",
        "seed",
    ]
