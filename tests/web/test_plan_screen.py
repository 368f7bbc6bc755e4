"""The plan on its screen: made, read, kept."""

import re

import pytest

from targeting.workflows.turfs.overview import load_turf_board


@pytest.mark.slow
def test_a_plan_is_made_told_with_intervals_and_kept(own_demo, screen):
    page = screen("plan")
    assert not page.exception
    page.number_input(key="teams").set_value(3)
    page.number_input(key="evenings").set_value(2)
    page.button[0].click().run()
    assert not page.exception
    told = "\n".join(m.value for m in page.markdown)
    assert "6 secteurs" in told
    assert re.search(r"Votants de plus.*entre .* et .*\(80", told), "no vote without interval"
    assert "Pons 2018" in told, "nor without source"
    page.button(key="plan_keep").click().run()
    before = load_turf_board(own_demo).kept
    assert "plan" not in before.parameters, "ready turfs are in the way: it asks again, by name"
    assert "S00" in page.warning[0].value
    page.button(key="plan_confirm").click().run()
    assert not page.exception
    kept = load_turf_board(own_demo).kept
    fresh = set(kept.turfs["turf_id"]) - set(before.turfs["turf_id"])
    assert (len(fresh), kept.parameters["plan"]["teams"]) == (6, 3)
    others = kept.turfs[~kept.turfs["turf_id"].isin(fresh)]
    assert (others["status"] == "ready").any(), "ready turfs elsewhere stay"
    assert "6 secteurs gardés" in page.success[0].value


def test_without_addresses_the_plan_says_what_to_import(tmp_path, monkeypatch, screen):
    monkeypatch.setenv("RELANCE_WORKSPACE", str(tmp_path / "nothing"))
    page = screen("plan", lang="en")
    assert not page.exception
    assert page.info
