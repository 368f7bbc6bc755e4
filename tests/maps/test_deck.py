import json
from pathlib import Path

import pandas as pd
import pytest

from targeting.maps.deck import (
    PHONE,
    backdrop_layers,
    build_deck,
    chosen_layers,
    outline_layer,
    station_layer,
    view_of,
)
from targeting.maps.files import MapFile, station_map_file
from targeting.maps.turfs import turf_bounds, turf_layers

FILE = MapFile(Path("stations-1.json"), (5.3, 43.2, 5.5, 43.4))


def spec(*layers):
    return json.loads(build_deck(layers, FILE.bounds, tooltip="{tip_fr}").to_json())


def test_geometry_comes_by_url_and_never_in_the_page():
    layer = spec(station_layer(FILE, "priority", min_abstention=0.6))["layers"][0]
    assert layer["data"] == "/assets/stations-1.json"
    painted = layer["_subLayerProps"]
    assert painted["polygons-fill"] == {"getFillColor": "@@=properties.fill_priority"}
    assert painted["points-circle"] == painted["polygons-fill"]
    assert "getFillColor" not in layer, "Streamlit fades what is not chosen where it finds one"
    assert layer["filterRange"] == [[0.6, 1.0], [-2.0, 1.0]]
    assert layer["updateTriggers"] == {"getFillColor": ["priority"]}


def test_no_basemap_is_asked_for():
    text = build_deck([station_layer(FILE, "priority")], FILE.bounds).to_json()
    assert "http" not in text
    assert "\n" not in text


def test_the_first_view_shows_all_and_is_wider_on_a_phone():
    desk, phone = view_of(FILE.bounds), view_of(FILE.bounds, PHONE)
    assert (desk.longitude, desk.latitude) == (5.4, 43.3)
    assert phone.zoom < desk.zoom
    assert 512 * 2**phone.zoom * 0.2 / 360 <= PHONE[0] * 1.01


def test_a_metric_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="no metric"):
        station_layer(FILE, "religion")


def test_the_chosen_stations_have_a_border_of_two_lines_and_dots_a_ring(tmp_path, board, outlines):
    points = outlines.assign(geometry=outlines.centroid)
    file = station_map_file(tmp_path, board, outlines.iloc[:2], points.iloc[2:3])
    under, over = chosen_layers(file, list(outlines["station_id"].iloc[:2]))
    assert (len(under.data), under.data) == (2, over.data)
    assert (under.get_line_color, over.get_line_color) == ([0, 0, 0, 255], [255, 196, 0, 255])
    assert under.get_line_width > over.get_line_width
    (dot, _) = chosen_layers(file, [points["station_id"].iloc[2]])
    assert dot.type == "ScatterplotLayer"
    assert chosen_layers(file, ["13055_9999"]) == chosen_layers(file, []) == []


def test_a_map_of_the_stations_shown_paints_them_as_in_the_map_of_all(tmp_path, board, outlines):
    whole, part = (
        json.loads(station_map_file(tmp_path, board, outlines, shown=shown).path.read_text())
        for shown in (None, ["13055_0101"])
    )
    of_all = {f["properties"]["id"]: f for f in whole["features"]}
    assert len(of_all) > 1
    assert part["features"] == [of_all["13055_0101"]]


def test_nothing_but_the_stations_has_a_colour_that_streamlit_fades(tmp_path, board, outlines):
    file = station_map_file(tmp_path, board, outlines)
    drawn = [*chosen_layers(file, ["13055_0101"]), *backdrop_layers(FILE, ["water", "rail"])]
    for layer in spec(*drawn)["layers"]:
        assert not {"getFillColor", "getColor"} & layer.keys()
        assert layer["getLineColor"]


def test_borders_put_no_ring_round_the_dots_of_a_dense_city():
    (layer,) = spec(outline_layer(FILE))["layers"]
    assert layer["_subLayerProps"]["points-circle"] == {"stroked": False}


def test_the_backdrop_is_one_layer_that_nobody_clicks():
    (layer,) = spec(*backdrop_layers(FILE, ["water", "rail"]))["layers"]
    assert layer["pickable"] is False
    fill = layer["_subLayerProps"]["polygons-fill"]["getFillColor"]
    assert fill.startswith("@@=properties.kind == 'water' ?")
    assert backdrop_layers(None, []) == []


@pytest.fixture
def stops():
    return pd.DataFrame(
        {
            "turf_id": ["S0001", "S0001", "S0002"], "visit_order": [2, 1, 1],
            "street": ["Rue B", "Rue A", "Rue C"], "number": [4, 2, 9], "suffix": ["bis", "", ""],
            "longitude": [5.41, 5.40, 5.42], "latitude": [43.3, 43.3, 43.31],
            "registered_estimate": [3.0, 4.0, 200.0], "dwellings": [2, 3, 90],
        }
    )  # fmt: skip


@pytest.fixture
def turfs():
    return pd.DataFrame(
        {
            "turf_id": ["S0001", "S0002"], "n_doors": [5, 90], "minutes_expected": [100.2, 119.0],
            "start_address": ["2 Rue A", "9 Rue C"],
        }
    )  # fmt: skip


def test_a_walk_follows_the_order_of_its_stops(turfs, stops):
    walks = turf_layers(turfs, stops, "fr")[0]
    assert walks.data[0]["path"] == [[5.40, 43.3], [5.41, 43.3]]
    assert "5 portes" in walks.data[0]["tip"]
    assert turf_bounds(stops) == (5.40, 43.3, 5.42, 43.31)


def test_the_chosen_turf_is_numbered_in_walking_order(turfs, stops):
    numbers = turf_layers(turfs, stops, "fr", chosen="S0001")[-1]
    assert [row["text"] for row in numbers.data] == ["1", "2"]
    assert [row["text"] for row in turf_layers(turfs, stops, "fr")[-1].data] == ["1", "2"]


def test_nothing_of_a_building_but_its_address_is_on_the_map(turfs, stops):
    dots = turf_layers(turfs, stops, "fr")[1]
    assert set(dots.data[0]) == {"turf", "order", "at", "tip", "colour"}
    tips = " ".join(row["tip"] for row in dots.data)
    assert "4 bis Rue B" in tips
    assert "200" not in tips


def test_an_election_is_named_in_a_word() -> None:
    from targeting.maps.cards.history import short_election

    assert short_election("en", "2022_legi_t1") == "legis. 22-1"


def past_line(**columns):
    import pandas as pd

    return pd.DataFrame(
        {"election_id": ["2017_pres_t1", "2022_legi_t1", "2022_pres_t1"],
         "turnout_rate": [0.7, 0.4, 0.65], "left_share": [0.5, float("nan"), 0.45],
         "is_uncertain": [True, False, False]} | columns
    )  # fmt: skip


def test_our_own_picture_of_a_past_is_sound_and_writes_its_values():
    from xml.etree import ElementTree

    from targeting.maps.cards.history import history_svg

    line = past_line()
    city = line.assign(turnout_rate=[0.75, 0.5, 0.7], is_uncertain=False)
    text = history_svg(line, "fr", city)
    picture = ElementTree.fromstring(text)
    name = "{http://www.w3.org/2000/svg}"
    words = [node.text for node in picture.iter(f"{name}text")]
    assert {"70\u00a0%", "40\u00a0%", "50\u00a0%", "prés.", "17-1", "toute la campagne"} <= set(
        words
    )
    points = list(picture.iter(f"{name}circle"))
    assert len(points) == 5, "the missing share is no point"
    assert [p.get("fill") for p in points].count("none") == 2, "uncertain points are hollow"
    dashed = [p for p in picture.iter(f"{name}path") if p.get("stroke-dasharray")]
    assert len(dashed) == 3
    assert "législatives 2022" in picture.find(f"{name}desc").text
    assert "#" not in text, "it takes the text's colour, in both themes"
    alone = history_svg(line, "fr")
    assert "toute la campagne" not in alone
    assert "dasharray" not in alone


def test_a_past_of_one_round_of_none_or_without_a_rate_is_drawn_all_the_same():
    from xml.etree import ElementTree

    from targeting.maps.cards.history import history_svg

    line = past_line()
    for rows in (line.head(1), past_line(left_share=float("nan"), turnout_rate=0.5)):
        for city in (None, line, line.head(0)):
            ElementTree.fromstring(history_svg(rows, "en", city, "target"))
    assert history_svg(line.head(0), "fr") == ""
