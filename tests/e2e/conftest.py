"""A server on a port of its own, and a browser that reports whatever it should not do."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from targeting.config import PROJECT

CHROMIUM = Path("/usr/bin/chromium")
SOFTWARE_GL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
PROBED = ("/_stcore/health", "/_stcore/host-config")
"""Asked under the page's own path by Streamlit's frontend, to find where the server is: on a page
opened by its address, the first try is a 404 that the browser's console reports."""


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
    """Start the dashboard on a free port; gives the process and its address."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    environment = {**os.environ, "RELANCE_WORKSPACE": str(workspace)}
    with open(log, "w") as out:
        server = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"{url}/health") as answer:
                if answer.status == 200:
                    return server, url
        except (urllib.error.URLError, ConnectionError):
            pass
        if server.poll() is not None:
            break
        time.sleep(0.1)
    server.kill()
    pytest.fail(f"the server did not start: {Path(log).read_text()[-2000:]}")


@pytest.fixture(scope="session")
def town(demo_folder):
    return demo_folder


@pytest.fixture(scope="module")
def site(town, tmp_path_factory, chromium):
    """The invented town's dashboard, on a copy of its workspace."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(town, folder / "town")
    server, url = serve(folder / "town", folder / "server.log")
    yield url
    server.terminate()
    server.wait(10)


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
        place = message.location.get("url", "")
        if message.type == "error" and not place.endswith(PROBED):
            errors.append(f"{message.text} {place}")

    def opened(path="/", *, width=1280, height=900, **options):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, locale="fr-FR", accept_downloads=True,
            **options,
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(45_000)
        page.on("request", note_request)
        page.on("console", note_console)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(site + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert strangers == []
    assert errors == []
