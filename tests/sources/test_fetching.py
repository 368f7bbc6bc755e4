"""Downloads from a server that truncates, redirects, refuses, alters, drips and stalls."""

from __future__ import annotations

import hashlib
import json
import random

import pytest

from targeting.config import Workspace
from targeting.errors import SourceError, TargetingError
from targeting.sources.fetching.catalogue import (
    Publication,
    department_of,
    find_publication,
    place_orders,
    publications,
)
from targeting.sources.fetching.download import HOSTS, FetchError, Limits, Policy, is_public
from targeting.sources.fetching.filtering import Features, Rows
from targeting.workflows.imports.fetch import fetch_source
from tests.sources.server import Publisher, send, serving

CONTENT = random.Random(7).randbytes(700_000)
QUICK = Limits(
    connect_s=2, read_s=1, patience_s=0.2, slowest=1e6, tries=3, longest_wait_s=3, first_wait_s=0.01
)


def publication(publisher: Publisher, path: str = "/file.txt", **changes: object) -> Publication:
    facts: dict[str, object] = {
        "id": "test", "title": "An invented file", "kind": "results", "layout": "native",
        "url": publisher.url(path), "file": "file.txt", "publisher": "Nobody", "licence": "none",
        "bytes": len(CONTENT), "md5": hashlib.md5(CONTENT).hexdigest(),
    }  # fmt: skip
    return Publication(**{**facts, **changes})  # type: ignore[arg-type]


@pytest.fixture
def publisher():
    server = Publisher(files={"/file.txt": CONTENT})
    with serving(server) as policy:
        server.policy = policy
        yield server


def fetch(workspace: Workspace, publisher: Publisher, chosen: Publication, **more):
    limits = more.pop("limits", QUICK)
    return fetch_source(
        workspace, chosen.id, publication=chosen, policy=publisher.policy, limits=limits, **more
    )


def downloads(workspace: Workspace) -> list[str]:
    folder = workspace.root / "downloads"
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def test_a_file_comes_whole_with_its_checksum_and_a_sheet(workspace, publisher) -> None:
    (got,) = fetch(workspace, publisher, publication(publisher))
    assert got.file.read_bytes() == CONTENT
    assert got.sha256 == hashlib.sha256(CONTENT).hexdigest()
    sheet = json.loads((got.file.parent / "file.txt.json").read_text())
    assert (sheet["sha256"], sheet["publisher"], sheet["bytes"]) == (got.sha256, "Nobody", 700_000)
    assert downloads(workspace) == ["file.txt", "file.txt.json"]


def test_what_is_there_already_is_not_asked_for_again(workspace, publisher) -> None:
    chosen = publication(publisher)
    fetch(workspace, publisher, chosen)
    (again,) = fetch(workspace, publisher, chosen)
    assert again.unchanged
    assert publisher.asked["/file.txt"] == 1


def cut_at_first(publisher: Publisher, handler, time: int) -> None:
    send(publisher, handler, CONTENT, most=300_000 if time == 1 else None)


def test_a_truncated_download_goes_on_where_it_stopped(workspace, publisher) -> None:
    publisher.behaviours["/file.txt"] = cut_at_first
    told: list[str] = []
    (got,) = fetch(workspace, publisher, publication(publisher), progress=told.append)
    assert got.file.read_bytes() == CONTENT
    assert publisher.ranges
    assert publisher.ranges[0].startswith("bytes=")
    assert any("cut at" in line for line in told)


def test_a_download_that_failed_goes_on_at_the_next_command(workspace, publisher) -> None:
    publisher.behaviours["/file.txt"] = lambda p, h, n: send(
        p, h, CONTENT, most=200_000 if n == 1 else 0 if n <= 4 else None
    )
    chosen = publication(publisher)
    with pytest.raises(FetchError, match="run the same command again"):
        fetch(workspace, publisher, chosen)
    assert downloads(workspace) == [".file.txt.part", ".file.txt.part.json"]
    publisher.ranges.clear()
    (got,) = fetch(workspace, publisher, chosen)
    assert got.file.read_bytes() == CONTENT
    assert publisher.ranges, "the second command asked for the rest"
    assert downloads(workspace) == ["file.txt", "file.txt.json"]


def test_a_file_that_changed_meanwhile_is_taken_from_its_beginning(workspace, publisher) -> None:
    newer = CONTENT[::-1]

    def changing(p: Publisher, handler, time: int) -> None:
        if time == 1:
            send(p, handler, CONTENT, most=300_000)
        else:
            p.tag = '"v2"'
            send(p, handler, newer)

    publisher.behaviours["/file.txt"] = changing
    chosen = publication(publisher, md5=hashlib.md5(newer).hexdigest())
    (got,) = fetch(workspace, publisher, chosen)
    assert got.file.read_bytes() == newer


def test_an_altered_file_is_refused_and_nothing_stays(workspace, publisher) -> None:
    publisher.files["/file.txt"] = CONTENT[:-1] + b"!"
    with pytest.raises(FetchError, match=r"its MD5 is [0-9a-f]{32}, the published one is"):
        fetch(workspace, publisher, publication(publisher))
    assert downloads(workspace) == []
    (got,) = fetch(workspace, publisher, publication(publisher), accept_new=True)
    assert got.file.read_bytes().endswith(b"!")


def test_a_busy_server_is_obeyed_then_given_up(workspace, publisher) -> None:
    def busy(p: Publisher, handler, time: int) -> None:
        if time == 1:
            handler.send_response(429)
            handler.send_header("Retry-After", "1")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        else:
            send(p, handler, CONTENT)

    publisher.behaviours["/file.txt"] = busy
    told: list[str] = []
    fetch(workspace, publisher, publication(publisher), progress=told.append)
    assert any("asks to wait 1 s" in line for line in told)

    def always(_p: Publisher, handler, _time: int) -> None:
        handler.send_response(429)
        handler.send_header("Retry-After", "900")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    publisher.behaviours["/other"] = always
    with pytest.raises(FetchError, match="asks to wait 900 s"):
        fetch(workspace, publisher, publication(publisher, "/other", file="other.txt"))


def redirect_to(target: str):
    def answer(_p: Publisher, handler, _time: int) -> None:
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


@pytest.mark.parametrize(
    "target",
    ["http://example.org/file.txt", "https://localhost/file.txt", "file:///etc/passwd",
     "http://localhost.example.org/x", "http://127.0.0.1/x", "http://a:b@localhost/x", "//[::1]/x"],
)  # fmt: skip
def test_a_redirection_off_the_list_is_refused(workspace, publisher, target) -> None:
    publisher.behaviours["/file.txt"] = redirect_to(target)
    with pytest.raises(FetchError, match="refused"):
        fetch(workspace, publisher, publication(publisher))
    assert downloads(workspace) == []


def test_a_redirection_on_the_list_is_followed_and_circles_are_not(workspace, publisher) -> None:
    publisher.behaviours["/stable"] = redirect_to("/file.txt")
    (got,) = fetch(workspace, publisher, publication(publisher, "/stable"))
    assert got.file.read_bytes() == CONTENT
    publisher.behaviours["/circle"] = redirect_to("/circle")
    with pytest.raises(FetchError, match="circles"):
        fetch(workspace, publisher, publication(publisher, "/circle", file="c.txt"))


@pytest.mark.slow
def test_a_line_that_drips_or_falls_silent_is_given_up_with_a_way_out(workspace, publisher) -> None:
    def dripping(p: Publisher, handler, _time: int) -> None:
        import time

        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        try:
            for at in range(40):
                handler.wfile.write(CONTENT[at * 10 : at * 10 + 10])
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    publisher.behaviours["/file.txt"] = dripping
    with pytest.raises(FetchError, match="cut 3 times"):
        fetch(workspace, publisher, publication(publisher))


def test_a_file_announced_far_too_large_is_refused_before_it_comes(workspace, publisher) -> None:
    publisher.files["/file.txt"] = bytes(5_000_000)
    with pytest.raises(FetchError, match=r"5,000,000 bytes announced, 700,000 expected"):
        fetch(workspace, publisher, publication(publisher))


def test_a_page_that_is_not_there_says_so(workspace, publisher) -> None:
    with pytest.raises(FetchError, match="answers 404"):
        fetch(workspace, publisher, publication(publisher, "/gone", file="gone.txt"))


# -- whom we speak to ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["http://www.data.gouv.fr/x", "https://data.gouv.fr.example.org/x", "https://example.org/x",
     "https://xdata.gouv.fr/x", "https://user:pass@www.data.gouv.fr/x", "ftp://www.data.gouv.fr/x",
     "https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/x", "https:///x"],
)  # fmt: skip
def test_only_publishers_are_spoken_to(url) -> None:
    with pytest.raises(FetchError, match="refused"):
        Policy().check(url)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "::1",
     "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::",
     "224.0.0.1", "100.64.0.1", "fe80::1%eth0"],
)  # fmt: skip
def test_no_private_address_passes_for_public(address) -> None:
    assert not is_public(address)


def test_a_publisher_s_name_that_leads_to_a_private_address_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(
        "socket.getaddrinfo",
        lambda *_a, **_k: [
            (2, 1, 6, "", ("93.184.216.34", 443)),
            (2, 1, 6, "", ("127.0.0.1", 443)),
        ],
    )
    with pytest.raises(FetchError, match=r"127\.0\.0\.1, a private address"):
        Policy().resolve("www.data.gouv.fr", 443)


def test_a_machine_off_line_says_how_to_go_on(monkeypatch) -> None:
    def fails(*_a: object, **_k: object) -> None:
        raise OSError("no name")

    monkeypatch.setattr("socket.getaddrinfo", fails)
    with pytest.raises(FetchError, match="on line"):
        Policy().resolve("www.data.gouv.fr", 443)


# -- the catalogue -------------------------------------------------------------------------------


def test_every_publication_has_a_host_on_the_list_and_a_whole_checksum() -> None:
    for p in publications().values():
        address = p.url.format(department="13") if p.per else p.url
        assert Policy().check(address)[0].endswith(HOSTS)
        assert bool(p.md5) == bool(p.bytes)
        assert p.md5 == "" or len(bytes.fromhex(p.md5)) == 16
        assert p.kind in ("results", "stations", "addresses")
        assert p.publisher
        assert p.licence
        assert p.title
    files = [p.file for p in publications().values()]
    assert len(set(files)) == len(files), "two rounds never overwrite each other"


def test_an_unknown_source_is_answered_with_the_near_ones() -> None:
    with pytest.raises(TargetingError, match="2022_pres_t1"):
        find_publication("2022_presidentielle")


def test_orders_are_per_department_or_per_communes_asked_for() -> None:
    ban = place_orders(find_publication("addresses"), ["13055", "13201", "2A004", "97411"])
    assert [o.file for o in ban] == [
        "adresses-13.csv.gz", "adresses-2A.csv.gz", "adresses-974.csv.gz",
    ]  # fmt: skip
    (outlines,) = place_orders(find_publication("outlines"), ["13201"])
    assert outlines.communes == ("13055",)
    with pytest.raises(TargetingError, match="--commune 13055"):
        place_orders(find_publication("outlines"), [])
    assert department_of("98735") == "987"


# -- what is kept of a national file -------------------------------------------------------------


def through(keeper: Features | Rows, content: bytes, size: int = 10**7) -> bytes:
    """What a keeper keeps of a content that comes `size` bytes at a time."""
    kept = [keeper.feed(content[i : i + size]) for i in range(0, len(content), size)]
    return b"".join(kept) + keeper.finish()


def national(communes: int) -> bytes:
    features = [
        {
            "type": "Feature",
            "properties": {"codeBureauVote": f"{1000 + c:05d}_{n}", "nom": 'É"{[}] \\ '},
            "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
        }
        for c in range(communes)
        for n in range(1, 4)
    ]
    return json.dumps(
        {"type": "FeatureCollection", "crs": None, "features": features}, ensure_ascii=False
    ).encode()


@pytest.mark.parametrize("size", [1, 7, 64, 1000, 10**6])
def test_features_of_a_commune_are_kept_however_the_file_is_cut_up(size) -> None:
    content = national(20)
    keeper = Features("f", {"01003", "01017"}, "codeBureauVote")
    document = json.loads(through(keeper, content, size))
    codes = [f["properties"]["codeBureauVote"] for f in document["features"]]
    assert codes == [f"{c}_{n}" for c in ("01003", "01017") for n in (1, 2, 3)]
    assert (keeper.kept, keeper.seen) == (6, 60)


@pytest.mark.parametrize("end", [0.3, 0.9, 0.999])
def test_outlines_cut_short_are_never_taken_for_whole(end) -> None:
    content = national(5)
    keeper = Features("f", {"01003"}, "codeBureauVote")
    keeper.feed(content[: int(len(content) * end)])
    with pytest.raises(SourceError, match="ends in the middle"):
        keeper.finish()


@pytest.mark.parametrize(
    "content",
    [b"x" * 2_000_000, b'{"features":[1,2]}', b'{"features":["' + b"a" * 100, b"\xff\xfe{"],
)
def test_what_is_no_collection_is_refused(content) -> None:
    keeper = Features("f", {"01003"}, "codeBureauVote")
    with pytest.raises(SourceError, match="not the outlines expected"):
        through(keeper, content)


@pytest.mark.parametrize("size", [1, 5, 33, 10**6])
def test_rows_of_a_commune_are_kept_with_the_header(size) -> None:
    content = (
        b'id,"id_brut_bv_reu",x\r\n1,13055_1,a\r\n2,"75119_0001",b\r\n3,13201_2,c\r\n4,29039_1,d'
    )
    keeper = Rows("f", {"13055"}, "id_brut_bv_reu")
    kept = b"".join(keeper.feed(content[i : i + size]) for i in range(0, len(content), size))
    assert kept + keeper.finish() == (b'id,"id_brut_bv_reu",x\r\n1,13055_1,a\r\n3,13201_2,c\r\n')
    with pytest.raises(SourceError, match="no column “id_brut_bv_reu”"):
        Rows("f", {"13055"}, "id_brut_bv_reu").feed(b"a;b;c\n1;2;3\n")


def test_half_a_row_of_a_wanted_commune_is_refused() -> None:
    header = b'id,"id_brut_bv_reu",adresse,x\n'
    for row in (b'1,13055_1,"4 Rue, Bourg"\n', b'1,13055_1,"4 Rue', b"1,13055_1,a,b,c\n"):
        with pytest.raises(SourceError, match=r"line 2: .* fields where the header has 4"):
            through(Rows("f", {"13055"}, "id_brut_bv_reu"), header + row)
    with pytest.raises(SourceError, match="no line of it is whole"):
        through(Rows("f", {"13055"}, "id_brut_bv_reu"), header[:-1])


def test_a_separator_within_quotes_before_the_code_moves_no_column() -> None:
    content = b'adresse,id_brut_bv_reu\n"4, Rue",13055_1\n"13055_9,",01001_1\n'
    assert through(Rows("f", {"13055"}, "id_brut_bv_reu"), content) == (
        b'adresse,id_brut_bv_reu\n"4, Rue",13055_1\n'
    )


@pytest.mark.parametrize(
    ("feature", "words"),
    [(b'{"properties":{"codeBureauVote":"01003_1","nom":"\\ud83d"}}', "half a letter"),
     (b'{"properties":{"codeBureauVote":"01003_1","x":NaN}}', "NaN is no coordinate"),
     (b'{"properties":{"codeBureauVote":"01003_1","x":' + b"9" * 5000 + b"}}", "number that is none"),
     (b'{"propers":{"codeBureauVote":"01003_1"}}', "feature 1 has no codeBureauVote"),
     (b'{"properties":{"code":"01003_1"}}', "feature 1 has no codeBureauVote")],
)  # fmt: skip
def test_a_damaged_feature_stops_the_keeper_in_words(feature: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        through(Features("f", {"01003"}, "codeBureauVote"), b'{"features":[' + feature + b"]}")


def test_a_national_file_is_filtered_as_it_comes_through_a_cut_line(workspace, publisher) -> None:
    content = national(4000)
    publisher.behaviours["/outlines"] = lambda p, h, n: send(
        p, h, content, most=len(content) // 3 if n == 1 else None
    )
    chosen = publication(
        publisher, "/outlines", file="contours-{communes}.geojson", bytes=0, md5="",
        keeps="features", id_column="codeBureauVote",
    )  # fmt: skip
    (got,) = fetch(workspace, publisher, chosen, communes=["01500"])
    assert got.file.name == "contours-01500.geojson"
    assert got.kept == 3
    assert got.sha256 == hashlib.sha256(content).hexdigest(), "of the file as published"
    assert len(json.loads(got.file.read_text())["features"]) == 3
    with pytest.raises(FetchError, match="nothing of 99999 in it"):
        fetch(workspace, publisher, chosen, communes=["99999"])
    assert downloads(workspace) == ["contours-01500.geojson", "contours-01500.geojson.json"]


def test_a_server_that_does_not_answer_is_told_from_a_line_that_was_cut(
    workspace, publisher
) -> None:
    def hangs_up(_p: Publisher, handler, _time: int) -> None:
        handler.close_connection = True

    publisher.behaviours["/file.txt"] = hangs_up
    with pytest.raises(FetchError, match=r"no answer in 3 tries .* on line"):
        fetch(workspace, publisher, publication(publisher))
    assert downloads(workspace) == []
