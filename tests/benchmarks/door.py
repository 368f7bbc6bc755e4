"""What the door costs, and how soon it shuts: gate, login, sessions ended, a team at work.

    python -m tests.benchmarks.door [--crowd WORKSPACE]

Costs are CPU of this process, the bare application against the one behind the gate, in one run.
`--crowd`: fifty sessions with ten seconds between two screens on a copy of that workspace, for
forty seconds; it wants a quiet machine, whose load it tells.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from targeting.access.roles import LOCAL
from targeting.config import Workspace
from targeting.web.door import Door
from targeting.web.gate import Gate
from targeting.web.keys import Keys
from targeting.workflows.access import door as service
from targeting.workflows.access import team
from targeting.workflows.setup import init_workspace
from tests.e2e.conftest import serve
from tests.web.socket_client import Screen
from tests.web.teams import PASSWORD, Member, Wire, add_member, cheap_hashes

REQUESTS = 3_000
MESSAGES = 20_000
TRIES = 40
SESSIONS, SOCKETS = 10, 3
CROWD, THINK_SECONDS, CROWD_SECONDS = 50, 10.0, 40.0
SCREENS = ("", "carte", "scenario", "sante")
BUDGET = {"gate_ms": 2.0, "login_s": 0.3, "kill_s": 2.0, "crowd_p95_s": 1.0}


def spread(seconds: Sequence[float], *, scale: float = 1000) -> dict[str, float]:
    """Median, 95th percentile and worst, in milliseconds."""
    inner = statistics.quantiles(seconds, n=20, method="inclusive")
    return {
        "median": round(statistics.median(seconds) * scale, 2),
        "p95": round(inner[-1] * scale, 2),
        "worst": round(max(seconds) * scale, 2),
    }


async def plain(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers at once; of a socket, it reads every message."""
    if scope["type"] == "websocket":
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def scope_of(member: Member, kind: str = "http") -> dict[str, Any]:
    return {
        "type": kind, "method": "GET", "path": "/ours/x", "query_string": b"",
        "server": ("127.0.0.1", 8501),
        "headers": [(b"host", b"127.0.0.1:8501"), (b"origin", b"http://127.0.0.1:8501"),
                    (b"accept", b"*/*"), (b"cookie", f"relance_8501={member.secret}".encode())],
    }  # fmt: skip


async def quiet(_message: Any) -> None:
    """Nobody hears it."""


async def cost_of_requests(app: Any, member: Member) -> float:
    """CPU seconds of one request."""
    began = time.process_time()
    for _ in range(REQUESTS):
        await app(scope_of(member), None, quiet)
    return (time.process_time() - began) / REQUESTS


async def cost_of_messages(app: Any, member: Member) -> float:
    """CPU seconds of one message of a socket; each comes from the loop, as the wire's do."""
    left = MESSAGES

    async def receive() -> dict[str, str]:
        nonlocal left
        left -= 1
        await asyncio.sleep(0)
        return {"type": "websocket.receive" if left else "websocket.disconnect"}

    began = time.process_time()
    await app(scope_of(member, "websocket"), receive, quiet)
    return (time.process_time() - began) / MESSAGES


def gate_costs(here: Workspace, member: Member) -> dict[str, float]:
    async def measured() -> dict[str, float]:
        gate = Gate(plain, keys=Keys(), door=Door(lambda: here))
        found: dict[str, list[float]] = {"bare": [], "gate": [], "bare_m": [], "gate_m": []}
        for _ in range(3):
            found["bare"].append(await cost_of_requests(plain, member))
            found["gate"].append(await cost_of_requests(gate, member))
            found["bare_m"].append(await cost_of_messages(plain, member))
            found["gate_m"].append(await cost_of_messages(gate, member))
        mid = {k: statistics.median(v) for k, v in found.items()}
        return {
            "request_ms": round((mid["gate"] - mid["bare"]) * 1000, 4),
            "message_ms": round((mid["gate_m"] - mid["bare_m"]) * 1000, 4),
        }

    return asyncio.run(measured())


def cold_cost(here: Workspace, member: Member) -> float:
    """CPU milliseconds of a request whose session is looked up: the first of its second."""

    async def measured() -> float:
        began, now = time.process_time(), [0.0]
        door = Door(lambda: here, clock=lambda: now[0])
        gate = Gate(plain, keys=Keys(), door=door)
        for _ in range(200):
            now[0] += 2.0
            await gate(scope_of(member), None, quiet)
        return (time.process_time() - began) / 200

    return round(asyncio.run(measured()) * 1000, 3)


def login_costs(here: Workspace) -> dict[str, Any]:
    """CPU of a right login; time of wrong ones, of a known name and of an unknown one in turn."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    right, known, unknown = [], [], []
    for n in range(TRIES):
        moment += timedelta(hours=2)
        for name, times in (("jean.exemple", known), (f"nobody.{n:03d}", unknown)):
            began = time.perf_counter()
            done = service.log_in(here, name, "wrong-wrong-wrong", now=moment)
            times.append(time.perf_counter() - began)
            assert isinstance(done, service.Refused)
        began = time.process_time()
        done = service.log_in(here, "jean.exemple", PASSWORD, now=moment)
        right.append(time.process_time() - began)
        assert isinstance(done, service.Entered)
    return {
        "cpu_s": round(statistics.median(right), 3),
        "known_ms": spread(known),
        "unknown_ms": spread(unknown),
        "difference_of_medians_ms": round(
            (statistics.median(known) - statistics.median(unknown)) * 1000, 2
        ),
        "spread_of_known_ms": round(statistics.stdev(known) * 1000, 2),
    }


def time_to_close(screens: Sequence[Screen], end: Callable[[], object]) -> float:
    """Seconds from the asking to the last socket's end."""
    threads = [threading.Thread(target=one.wait_for_the_end) for one in screens]
    for one in threads:
        one.start()
    began = time.perf_counter()
    end()
    for one in threads:
        one.join()
    return time.perf_counter() - began


def kills(here: Workspace) -> dict[str, Any]:
    """Sessions ended from this process, while another one serves them."""
    with tempfile.TemporaryDirectory() as folder:
        server, url, _ = serve(here.root, Path(folder) / "log", RELANCE_TEAM="1")
        wire = Wire(int(url.rsplit(":", 1)[1]))
        try:
            ended, closed = [], []
            for way, times in ((team.end_session, ended), (team.disable, closed)):
                people = [
                    add_member(here, LOCAL, "team_lead", f"{way.__name__[:3]}.{n:02d}")
                    for n in range(SESSIONS)
                ]
                open_ = [
                    [Screen(wire.port, wire.cookie(p.secret)) for _ in range(SOCKETS)]
                    for p in people
                ]
                for person, screens in zip(people, open_, strict=True):
                    which = person.actor.session if way is team.end_session else person.actor.id
                    time.sleep(random.random())
                    times.append(time_to_close(screens, lambda w=way, i=which: w(here, LOCAL, i)))
            people = [add_member(here, LOCAL, "team_lead", f"all.{n:02d}") for n in range(SESSIONS)]
            screens = [
                Screen(wire.port, wire.cookie(p.secret)) for p in people for _ in range(SOCKETS)
            ]
            whole = time_to_close(screens, lambda: team.end_all(here, LOCAL, everybody=True))
        finally:
            server.terminate()
            server.wait(10)
    return {
        "ended_ms": spread(ended),
        "closed_ms": spread(closed),
        "all_at_once_ms": round(whole * 1000),
    }


def crowd(source: Path) -> dict[str, Any]:
    """Fifty people who open a screen, look at it for ten seconds, and open the next."""
    with tempfile.TemporaryDirectory() as folder:
        here = Workspace(Path(folder) / "town")
        shutil.copytree(source, here.root)
        with cheap_hashes():
            people = [add_member(here, LOCAL, "strategist", f"une.{n:02d}") for n in range(CROWD)]
        server, url, _ = serve(here.root, Path(folder) / "log", RELANCE_TEAM="1")
        wire = Wire(int(url.rsplit(":", 1)[1]))
        taken: list[float] = []
        try:
            warm = Screen(wire.port, wire.cookie(people[0].secret))
            for _ in range(2):
                for name in SCREENS:
                    warm.run(name, "lang=fr")
            warm.close()
            stop = time.monotonic() + CROWD_SECONDS

            def work(n: int) -> None:
                drawn = random.Random(n)
                screen = Screen(wire.port, wire.cookie(people[n].secret))
                time.sleep(drawn.random() * THINK_SECONDS)
                while time.monotonic() < stop:
                    began = time.perf_counter()
                    screen.run(drawn.choice(SCREENS), "lang=fr")
                    taken.append(time.perf_counter() - began)
                    time.sleep(THINK_SECONDS * drawn.uniform(0.5, 1.5))
                screen.close()

            threads = [threading.Thread(target=work, args=(n,)) for n in range(CROWD)]
            for one in threads:
                one.start()
            for one in threads:
                one.join()
        finally:
            server.terminate()
            server.wait(10)
    return {"runs": len(taken), "run_ms": spread(taken), "load": os.getloadavg()[0]}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--crowd", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        here = Workspace(Path(folder) / "team")
        init_workspace(here, communes=["13055"])
        lead = add_member(here, LOCAL, "team_lead", "jean.exemple")
        found = {
            "gate": gate_costs(here, lead) | {"looked_up_ms": cold_cost(here, lead)},
            "login": login_costs(here),
        }
        with cheap_hashes():
            found["kill"] = kills(here)
    if asked.crowd:
        found["crowd"] = crowd(asked.crowd)
    found["load"] = {"average": os.getloadavg()[0]}
    print(json.dumps({"door": found, "budget": BUDGET}, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
