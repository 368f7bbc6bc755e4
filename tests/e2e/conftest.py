"""A server on a port of its own, and a browser that reports whatever it should not do."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from targeting.config import PROJECT, Workspace
from targeting.web.ours import has_library

CHROMIUM = Path("/usr/bin/chromium")
ALONE = """import os, sys

NEAR = ("127.0.0.1", "localhost", "::1", "0.0.0.0", "", None)

def refuse_outside(event, args):
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event in ("socket.connect", "socket.sendto"):
        host = args[1][0] if isinstance(args[1], tuple) else ""  # else a socket of the disk
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in NEAR:
        with open(os.environ["RELANCE_TEST_OUTSIDE"], "a") as noted:
            noted.write(f"{event} {host}\\n")
        raise OSError(f"no way out of this machine: {host}")

sys.addaudithook(refuse_outside)
"""
"""What Python loads first in a server of these tests: every way out of this machine is refused and
noted, whoever opens it."""

SOFTWARE_GL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def chromium():
    """A browser for one file of tests: its event loop must not outlive them in this process."""
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed: the screens are NOT tested in a browser")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is missing: screens NOT tested in a browser"
    )
    if missing := missing_library():
        pytest.skip(f"the browser's driver does not start ({missing}): screens NOT tested in it")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=str(CHROMIUM), args=SOFTWARE_GL)
        yield browser
        browser.close()


def missing_library():
    """What keeps playwright's own Node from starting on a bare machine, if anything."""
    import playwright

    node = Path(playwright.__file__).parent / "driver" / "node"
    tried = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return tried.stderr.strip().split("\n")[0][-120:] if tried.returncode else ""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(workspace, log):
    """Start the dashboard on a free port; gives the process, its address and a browser's cookie."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    alone = Path(log).parent / "alone"
    alone.mkdir(exist_ok=True)
    (alone / "sitecustomize.py").write_text(ALONE)
    environment = {
        **os.environ, "RELANCE_WORKSPACE": str(workspace), "PYTHONPATH": str(alone),
        "RELANCE_TEST_OUTSIDE": str(outside_of(log)),
    }  # fmt: skip
    with open(log, "w") as out:
        server = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"{url}/health") as answer:
                if answer.status == 200:
                    return server, url, enter(url, log)
        except (urllib.error.URLError, ConnectionError):
            pass
        if server.poll() is not None:
            break
        time.sleep(0.1)
    server.kill()
    pytest.fail(f"the server did not start: {Path(log).read_text()[-2000:]}")


def outside_of(log):
    """Where a server notes what it looked for outside this machine."""
    return Path(log).parent / "outside"


def address(log):
    """The last one-time address that the server printed."""
    return re.findall(r"http://\S+\?token=\S+", Path(log).read_text())[-1]


class Stay(urllib.request.HTTPRedirectHandler):
    """Does not follow: the answer that gives the cookie is the one looked at."""

    def redirect_request(self, *_):
        return None


def enter(url, log):
    """The cookie that the printed address gives, as playwright takes it."""
    try:
        urllib.request.build_opener(Stay).open(address(log))
    except urllib.error.HTTPError as answer:
        name, value = answer.headers["set-cookie"].split(";")[0].split("=", 1)
        return {"name": name, "value": value, "url": url}
    return pytest.fail("the printed address lets nobody in")


@pytest.fixture(scope="session")
def town(demo_folder):
    return demo_folder


class Site(NamedTuple):
    url: str
    cookie: dict
    log: Path

    @property
    def town(self):
        """The workspace that is served."""
        return Workspace(self.log.parent / "town")

    @property
    def outside(self):
        """Places outside this machine that the server, or what it started, looked for."""
        asked = outside_of(self.log)
        return asked.read_text().splitlines() if asked.exists() else []


@pytest.fixture(scope="session")
def served(town, tmp_path_factory):
    """The invented town's dashboard, on a copy of its workspace, for all files of this process."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(town, folder / "town")
    server, url, cookie = serve(folder / "town", folder / "server.log")
    yield Site(url, cookie, folder / "server.log")
    server.terminate()
    server.wait(10)


@pytest.fixture
def site(request, chromium):
    """The invented town's dashboard: its address, cookie and log."""
    return request.getfixturevalue("served")


@pytest.fixture
def visit(chromium, site):
    """Opens a screen in a fresh window; at the end, nothing outside was asked for and the console
    is silent."""
    contexts, strangers, errors = [], [], []

    def note_request(request):
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob") and url.hostname != "127.0.0.1":
            strangers.append(request.url)

    def note_console(message):
        if message.type == "error":
            errors.append(f"{message.text} {message.location.get('url', '')}")

    def opened(
        path="/", *, width=1280, height=900, key=True, refused=False, script=None, **options
    ):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, locale="fr-FR", accept_downloads=True,
            **options,
        )  # fmt: skip
        if key:
            context.add_cookies([site.cookie])
        if script:
            context.add_init_script(script)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(45_000)
        page.on("request", note_request)
        if not refused:  # the browser's console tells a page that is refused
            page.on("console", note_console)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path if path.startswith("http") else site.url + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert strangers == []
    assert errors == []


@pytest.fixture
def phone(chromium):
    """Opens a file on a phone of its own, without network; at the end its console is silent."""
    contexts, errors, asked = [], [], []

    def opened(path, *, context=None, width=390, height=780, **options):
        if context is None:
            context = chromium.new_context(
                viewport={"width": width, "height": height}, locale="fr-FR", has_touch=True,
                accept_downloads=True, offline=True, **options,
            )  # fmt: skip
            contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: errors.append(dialog.message))
        page.on("request", lambda r: asked.append(r.url) if r.url.startswith("http") else None)
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []
    assert asked == []


# -- the workbench ---------------------------------------------------------------------------------

MAP = ".st-key-mappane .rl-map"
LEGEND = ".rl-legend"


def wait_for_map(page):
    """The stations are drawn: nothing is awaited on the map any more."""
    if not has_library():
        pytest.skip("the map's library is not in place: the workbench is NOT tested in a browser")
    page.locator(".rl-root[data-drawn]").wait_for(state="attached")
    page.locator(f"{MAP} canvas").first.wait_for()


def touch_station(page, across=0.45, down=0.45, *, modifiers=()):
    """Click the map there."""
    box = page.locator(MAP).bounding_box()
    for key in modifiers:
        page.keyboard.down(key)
    page.mouse.click(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
    for key in modifiers:
        page.keyboard.up(key)


def chosen_in_address(page):
    """Stations that the page's address holds."""
    held = re.search(r"[?&]b=([^&]*)", page.url)
    return held[1].replace("%2C", ",").split(",") if held else []


# -- turfs -----------------------------------------------------------------------------------------


def wait_for_polish(visit):
    """No cut is being improved any more: turfs stay as a screen shows them."""
    page = visit("/secteurs")
    page.get_by_role("button", name="Découper les secteurs").wait_for()
    page.locator("[data-test-script-state=notRunning]").wait_for(state="attached")
    page.get_by_text("leur amélioration se poursuit").wait_for(state="hidden", timeout=90_000)
    page.close()
