"""A screen without a browser: Streamlit's socket, its messages read as they come."""

from __future__ import annotations

from typing import NamedTuple

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect


class Run(NamedTuple):
    """What one run of the script sent: how many messages, all their bytes."""

    messages: int
    raw: bytes

    def says(self, words: str) -> bool:
        """Whether these words are somewhere on the screen."""
        return words.encode() in self.raw


class Screen:
    """One open socket of one browser."""

    def __init__(self, port: int, cookie: str, *, before: str = "") -> None:
        self.wire: ClientConnection = connect(
            f"ws://127.0.0.1:{port}/_stcore/stream",
            origin=f"http://127.0.0.1:{port}",  # type: ignore[arg-type]
            additional_headers={"Cookie": cookie},
            subprotocols=["streamlit", "none", *([before] if before else [])],  # type: ignore[list-item]
            open_timeout=60,
            legacy=True,
            max_size=None,
        )
        self.session = ""

    def run(self, page: str = "", query: str = "") -> Run:
        """Ask for a screen, and read what comes until its script is through."""
        asked = BackMsg()
        asked.rerun_script.query_string = query
        asked.rerun_script.page_name = page
        self.wire.send(asked.SerializeToString())
        count, raw = 0, b""
        while True:
            got = self.wire.recv(timeout=120)
            assert isinstance(got, bytes)
            message = ForwardMsg.FromString(got)
            count, raw = count + 1, raw + got
            if message.HasField("new_session"):
                self.session = message.new_session.initialize.session_id or self.session
            if message.HasField("script_finished"):
                if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    continue
                return Run(count, raw)

    def wait_for_the_end(self, timeout: float = 60) -> int | None:
        """Read until the server closes; gives its code."""
        try:
            while True:
                self.wire.recv(timeout=timeout)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    def close(self) -> None:
        self.wire.close()
