"""The pages of the door in a browser: read by all, worked by keys, on a phone; and when it is full."""

import re
import shutil

import pytest

from targeting.access.roles import LOCAL
from targeting.config import Workspace
from targeting.workflows.access import door as service
from targeting.workflows.access import team
from targeting.workflows.setup import init_workspace
from tests.e2e.conftest import POLICY_SPEAKS, serve
from tests.e2e.test_workbench import AXE
from tests.web.teams import PASSWORD, add_member, cheap_hashes, code_at

expect = pytest.importorskip("playwright.sync_api").expect
WIDTHS = (390, 1280)


@pytest.fixture(scope="module")
def place(tmp_path_factory, chromium):
    """A team's server for one session at a time, with links and people: its address, and both."""
    folder = tmp_path_factory.mktemp("pages")
    here = Workspace(folder / "team")
    with cheap_hashes():
        init_workspace(here, communes=["13055"])
        people = {
            "lead": add_member(here, LOCAL, "team_lead"),
            "second": add_member(here, LOCAL, "team_lead", "second.exemple"),
            "director": add_member(here, LOCAL, "field_director", code=False),
            "other director": add_member(here, LOCAL, "field_director", "d2.exemple", code=False),
        }
        link = team.invite(here, LOCAL, "paul.exemple", "Paul", "strategist").secret
        server, url, _ = serve(
            here.root, folder / "server.log", RELANCE_TEAM="1", RELANCE_MOST_SESSIONS="1"
        )
        yield url, here, people, link
    server.terminate()
    server.wait(10)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def window(chromium, place):
    """Opens a page in a fresh window, as somebody; the console stays silent."""
    url, _, people, _ = place
    contexts, errors = [], []

    def opened(path, who="", **options):
        context = chromium.new_context(locale="fr-FR", **options)
        contexts.append(context)
        context.add_init_script(POLICY_SPEAKS)
        if who:
            name = f"relance_{url.rsplit(':', 1)[1]}"
            context.add_cookies([{"name": name, "value": people[who].secret, "url": url}])
        page = context.new_page()
        page.on("console", lambda m: errors.append(m.text) if "policy" in m.text else None)
        page.goto(url + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_of_the_door_are_read_by_all_and_fit(window, place, scheme, width):
    if not AXE.exists():
        pytest.skip("axe-core is not in place: accessibility NOT checked (make test fetches it)")
    join = f"/join?k={place[3]}"
    for path, who in (("/login", ""), (join, ""), ("/code", "director"), ("/logout", "lead")):
        page = window(path, who, color_scheme=scheme, viewport={"width": width, "height": 800})
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        assert [(v["id"], v["impact"]) for v in found] == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_one_comes_in_by_keys_alone_and_goes_where_one_wanted(window, place):
    page = window("/sante?lang=fr", viewport={"width": 390, "height": 800})
    assert "/login?next=" in page.url
    expect(page.locator("#login")).to_be_focused()
    page.keyboard.type("second.exemple")
    expect(page.locator("#login")).to_have_value("second.exemple")
    page.keyboard.press("Tab")
    page.keyboard.type("not-this-one-at-all")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    page.wait_for_load_state()
    expect(page.locator("#password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    expect(page.locator("#password")).to_have_value(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/sante"))


def test_a_code_is_set_from_the_key_shown_and_opens_the_screens(window, place):
    page = window("/", "other director")
    assert page.url.endswith("/code")
    secret = page.locator(".secret code").inner_text().replace(" ", "")
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    assert page.locator(".secret code").inner_text().replace(" ", "") == secret, "the same to scan"
    page.locator("#code").fill(code_at(secret, service.utc_now()))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r":\d+/$"))


def test_a_page_beyond_the_limit_waits_and_opens_by_itself(window):
    first = window("/", "lead")
    first.locator("h1").first.wait_for()
    second = window("/sante", "second")
    assert "beaucoup de monde" in second.locator("body").inner_text()
    first.context.close()
    second.locator("h1", has_text="Santé").wait_for(timeout=60_000)
