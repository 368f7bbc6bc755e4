"""Promises, each broken at its bound: what the text is, what a mutant makes of it, who should see.

S, T, R, D are numbers of an audit whose 32 survivors these are (S05 is left out: the code itself was
at fault, and is another now); B are bounds of privacy, law and arithmetic tried besides.
"""

from __future__ import annotations

from typing import Final, NamedTuple

SCORES: Final = ("tests/scoring/test_bounds.py",)
TURFS: Final = ("tests/turf/test_bounds.py",)
DOORS: Final = ("tests/households/test_bounds.py", "tests/households/test_doors.py")
STORE: Final = ("tests/store/test_bounds.py", "tests/store/test_models.py")
PRODUCT: Final = (*SCORES, "tests/scoring/test_product.py")
PRIORITIES: Final = (*SCORES, "tests/scoring/test_priorities.py")
INTERVALS: Final = (*SCORES, "tests/scoring/test_intervals.py", "tests/scoring/test_ranks.py")
BACKTEST: Final = (*SCORES, "tests/scoring/test_backtest.py")
SHRINKAGE: Final = (*SCORES, "tests/scoring/test_shrinkage.py")
SCENARIO: Final = (*SCORES, "tests/scoring/test_scenario.py")
CUT: Final = (*TURFS, "tests/turf/test_cut.py", "tests/turf/test_sides.py")
GRAPH: Final = (*TURFS, "tests/turf/test_graph.py", "tests/turf/test_sides.py")
PLAN: Final = (*TURFS, "tests/turf/test_plan.py")
HAND: Final = ("tests/store/test_bounds.py", "tests/workflows/test_handwork.py")


class Mutant(NamedTuple):
    """One promise broken: `old`, which stands once in `file`, becomes `new`."""

    id: str
    promise: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def scoring(id_: str, promise: str, module: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(id_, promise, f"targeting/scoring/{module}.py", old, new, tests)


def turf(id_: str, promise: str, module: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(id_, promise, f"targeting/turf/{module}.py", old, new, tests)


def store(id_: str, promise: str, module: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(id_, promise, f"targeting/store/{module}.py", old, new, tests)


def reference(id_: str, promise: str, module: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(id_, promise, f"targeting/reference/{module}.py", old, new, tests)


def doors(id_: str, promise: str, module: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(id_, promise, f"targeting/households/{module}.py", old, new, tests)


SURVIVED: Final = (
    scoring(
        "S02", "a station of 100 registered is ranked", "product",
        "registered >= SMALL_STATION)", "registered > SMALL_STATION)", *PRODUCT,
    ),
    scoring(
        "S03", "a past half of which is its own counts", "product",
        "shares >= OWN_PAST", "shares > OWN_PAST", *PRODUCT,
    ),
    scoring(
        "S04", "a reservoir is never above the roll", "product",
        'np.minimum(edges["high"], people).clip(', 'edges["high"].clip(', *PRODUCT,
    ),
    scoring(
        "S06", "households met count from eleven on", "priorities",
        "met.where(met >= SMALLEST_CELL, 0)", "met.where(met > SMALLEST_CELL, 0)", *PRIORITIES,
    ),
    scoring(
        "S07", "no more households met than there are", "priorities",
        'table[column].clip(upper=table["households"])', "table[column]", *PRIORITIES,
    ),
    scoring(
        "S10", "a past of others is drawn further to its group", "shrinkage",
        "borrowed * signal", "0.0 * signal", *SHRINKAGE,
    ),
    scoring(
        "S12", "a missing score is ranked last", "capture",
        "np.isfinite(score), score, -np.inf", "np.isfinite(score), score, np.inf", *BACKTEST,
    ),
    scoring(
        "S15", "an interval holds its own figure", "intervals",
        "np.minimum(centre - half, relative)", "centre - half", *INTERVALS,
    ),
    scoring(
        "S16", "one station at least is among the first", "ranks",
        "max(1, round(TOP_SHARE * count))", "round(TOP_SHARE * count)", *INTERVALS,
    ),
    scoring(
        "S18", "ten points exactly are enough", "basis",
        ">= LOW_TURNOUT_GAP - ROUNDING", "> LOW_TURNOUT_GAP + ROUNDING", *PRODUCT, *BACKTEST,
    ),
    scoring(
        "S19", "a unit empty at one round has no cells", "ecological",
        "(before > 0) & (after > 0)", "(before > 0) | (after > 0)",
        *SCORES, "tests/scoring/test_ecological.py",
    ),
    scoring(
        "S21", "few counted: what was feared before still weighs", "scenario",
        "(1 - share) * np.maximum(left, prior**2)", "(1 - share) * left", *SCENARIO,
    ),
    scoring(
        "S22", "a method that loses by three thousandths is not offered", "methods",
        "less > TOLERANCE", "less > 10 * TOLERANCE", *BACKTEST,
    ),
    turf(
        "T01", "nine tenths of a turf are a tower", "cut",
        "weights >= TOWER_SHARE * budget", "weights > TOWER_SHARE * budget", *CUT,
    ),
    turf(
        "T02", "a tower within a tenth of whole turfs is shared out evenly", "towers",
        "<= EVEN_SHARE + 1e-9", "< EVEN_SHARE - 1e-9", *CUT,
    ),
    turf(
        "T03", "the mean turf is hardly above what was asked", "balance",
        "while total > OVER_BUDGET * budget * count:", "while total > 3 * budget * count:", *CUT,
    ),
    turf(
        "T05", "no turf keeps a leg above a kilometre", "cut",
        "while (walks.longest_m > max_leg_m).any():", "while False:", *CUT,
    ),
    turf(
        "T06", "a walk sets out from a meeting point that is no stop", "walk",
        "if among.size else len(rows)", "if among.size else -1",
        *TURFS, "tests/turf/test_walk.py", "tests/turf/test_describe.py",
    ),
    turf(
        "T07", "doors face each other at most forty metres along", "graph/model",
        "facing &= along_m[b] - along_m[a] <= FACING_M", "facing &= along_m[b] >= along_m[a]", *GRAPH,
    ),
    turf(
        "T08", "a link nobody drew costs at most so many times its length", "graph/model",
        "np.minimum(1 + (metres / LINK_SLOW_M) ** 2, LINK_DETOUR[basis])",
        "(1 + (metres / LINK_SLOW_M) ** 2)", *GRAPH,
    ),
    turf(
        "T09", "a street is crossed for ten metres at least", "graph/from_numbers",
        "gap + np.maximum(width, CROSSING_M)", "gap + width", *GRAPH,
    ),
    turf(
        "T10", "numbers farther than 150 m apart are no neighbours", "graph/from_numbers",
        "(side[a] == side[b]) & (gap <= GAP_M)", "(side[a] == side[b])", *GRAPH,
    ),
    turf(
        "T14", "parts of the day are told in local time", "learning",
        '.dt.tz_convert(zone).dt.hour', ".dt.hour", *PLAN,
    ),
    turf(
        "T17", "the identity is checked building by building", "identity",
        "if not identity.holds or wrong:", "if not identity.holds:", *CUT,
    ),
    turf(
        "T18", "the second cut is made with what the first one measured", "balance",
        "aim = replace(aim, target=turf_target(", "_ = replace(aim, target=turf_target(", *CUT,
    ),
    doors(
        "R04", "the range of a tower's turf counts open doors", "doors",
        "if n not in shut.get(building_id, set())]", "if n]", *DOORS,
    ),
    store(
        "D01", "a visit is kept fifteen days after the ballot", "visits",
        "AFTER_BALLOT_DAYS: Final = 15", "AFTER_BALLOT_DAYS: Final = 1500", *STORE,
    ),
    store(
        "D06", "no change by hand survives a new cut", "turfs",
        "    session.execute(delete(TurfEdit))\n    return cut.id, _fill_cut(",
        "    return cut.id, _fill_cut(", *HAND,
    ),
    store(
        "D07", "old changes are forgotten", "turf_states",
        "    _put(session, states)\n    _forget_oldest(session)", "    _put(session, states)", *HAND,
    ),
    reference(
        "D10", "a file told by departments is whole no longer once one is touched", "sheets",
        'return departments.isdisjoint(file["departments"])', "return True",
        "tests/store/test_bounds.py", "tests/workflows/test_import_results.py",
    ),
    reference(
        "D11", "stations numbered by letters are read", "results",
        'pl.lit(f"{c}`")', 'pl.lit(f"{c}_99999")',
        "tests/store/test_bounds.py", "tests/workflows/test_import_results.py",
    ),
)  # fmt: skip

BESIDES: Final = (
    scoring(
        "B01", "a count of ten is hidden, of eleven shown", "priorities",
        "(count < SMALLEST_CELL)", "(count <= SMALLEST_CELL)", *PRIORITIES,
    ),
    scoring(
        "B02", "a count of none is shown", "priorities",
        "count.mask((count > 0) &", "count.mask((count >= 0) &", *PRIORITIES,
    ),
    scoring(
        "B03", "the day of a visit is hidden where its count is", "priorities",
        'shown["last_visit_date"].mask(few, None)', 'shown["last_visit_date"]', *PRIORITIES,
    ),
    scoring(
        "B04", "a backtest keeps a station of 100 registered", "backtest",
        'rows["registered"] >= LEAST_REGISTERED', 'rows["registered"] > LEAST_REGISTERED', *BACKTEST,
    ),
    scoring(
        "B05", "a backtest keeps a station of 20 valid votes", "backtest",
        'rows["valid_votes"] >= LEAST_VALID', 'rows["valid_votes"] > LEAST_VALID', *BACKTEST,
    ),
    scoring(
        "B06", "a roll that moved by a tenth is the same", "backtest",
        '<= SAME_SIZE * now["registered"]', '< SAME_SIZE * now["registered"]', *BACKTEST,
    ),
    scoring(
        "B07", "a transition of ten points is one", "backtest",
        "abs(change) < LEAST_CHANGE - ROUNDING", "abs(change) <= LEAST_CHANGE + ROUNDING", *BACKTEST,
    ),
    scoring(
        "B08", "thirty stations are an arena", "capture",
        'size >= (SMALLEST_GROUP if', 'size > (SMALLEST_GROUP if', *BACKTEST,
    ),
    scoring(
        "B09", "three stations are a group", "shrinkage",
        "size >= LEAST_NEIGHBOURS", "size > LEAST_NEIGHBOURS", *SHRINKAGE,
    ),
    scoring(
        "B10", "two hundred stations calibrate", "intervals",
        "len(transition.stations) < LEAST_STATIONS", "len(transition.stations) <= LEAST_STATIONS",
        *INTERVALS,
    ),
    scoring(
        "B11", "five stations counted foresee the others", "scenario",
        "known.sum() < LEAST_COUNTED", "known.sum() <= LEAST_COUNTED", *SCENARIO,
    ),
    scoring(
        "B12", "a lower end is never above the reservoir", "product",
        'np.minimum(edges["low"], table["reservoir"])', 'edges["low"]', *PRODUCT,
    ),
    scoring(
        "B13", "a past hardly its own widens no further", "intervals",
        "own.clip(LEAST_OWN, 1.0)", "own.clip(0.01, 1.0)", *INTERVALS,
    ),
    scoring(
        "B14", "no more of the first than there are", "ranks",
        "if k is None else k, count)", "if k is None else k, 10**6)", *INTERVALS,
    ),
    scoring(
        "B15", "a roll that moved by a tenth is not told of", "product",
        "(then - registered).abs() > SAME_ROLL", "(then - registered).abs() >= SAME_ROLL", *PRODUCT,
    ),
    doors(
        "B16", "a door is closed for sixty days and not a second more", "doors",
        "> pd.Timestamp(now)", ">= pd.Timestamp(now)", *DOORS,
    ),
    doors(
        "B17", "who asked not to be called on is never called on", "doors",
        'visits["outcome"].isin(for_ever) | waiting', "waiting", *DOORS,
    ),
    doors(
        "B18", "no campaign forgets an objection", "doors",
        'if wrong or days[OPPOSITION] != "never":', "if wrong:", *DOORS,
    ),
    doors(
        "B19", "no fewer doors than none are open", "doors",
        "left.clip(lower=0)", "left", *DOORS,
    ),
    store(
        "B20", "without a ballot a visit is kept two years", "visits",
        "VISIT_KEPT_DAYS: Final = 730", "VISIT_KEPT_DAYS: Final = 7300", *STORE,
    ),
    store(
        "B21", "a turf is done at its last door", "visits",
        "done[turf_id] >= n_doors", "done[turf_id] > n_doors", *STORE,
    ),
    store(
        "B22", "a locked turf keeps its buildings", "turfs",
        'if status == "ready" and not is_locked and not is_given:',
        'if status == "ready" and not is_given:', *HAND,
    ),
    turf(
        "B23", "a gap of a quarter of an hour is a door", "learning",
        "minutes <= LONGEST_GAP", "minutes < LONGEST_GAP", *PLAN,
    ),
    turf(
        "B24", "a turf of an evening and a quarter is planned", "plan",
        'turfs["minutes_expected"] <= TOO_LONG * evening', 'turfs["minutes_expected"] < TOO_LONG * evening',
        *PLAN,
    ),
    turf(
        "B25", "company stands at most a hundred metres away", "towers",
        "metres <= COMPANY_M", "metres < COMPANY_M", *CUT,
    ),
    turf(
        "B26", "the mean of a visit is never worth nothing", "value",
        "[0, 1, 2], steps", "[0, 1, 2], [1.0, steps[1], 0.0]", *PLAN,
    ),
    turf(
        "B27", "a house up to sixty metres back has no path of its own", "graph/from_streets",
        "snaps.access_m > SPUR_M", "snaps.access_m >= SPUR_M", *GRAPH,
    ),
)  # fmt: skip

MUTANTS: Final = (*SURVIVED, *BESIDES)
