"""What can go wrong, by whose fault, and what the user can do about it."""

from __future__ import annotations


class TargetingError(Exception):
    """An error the user can mend: one line that says what, where and the way out.

    The command line prints it on one line and exits with 2; the screens show it as it is.
    It never carries personal data.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class SourceError(TargetingError):
    """A file that cannot be read as what it claims to be: names file, line, reason, way out."""

    def __init__(
        self,
        file: str,
        reason: str,
        *,
        line: int | None = None,
        column: str | None = None,
        way_out: str = "",
    ) -> None:
        place = file
        if line is not None:
            place += f", line {line}"
        if column is not None:
            place += f", column “{column}”"
        super().__init__(f"{place}: {reason}" + (f" {way_out}" if way_out else ""))
        self.file, self.reason, self.line, self.column = file, reason, line, column
        self.way_out = way_out


class CrsError(TargetingError):
    """Layers in coordinate systems that do not go together."""


class JoinError(TargetingError):
    """Two tables that do not speak of the same stations: the figure is in the message."""


class WorkspaceError(TargetingError):
    """The workspace lacks something that the command needs; the message says how to get it."""


class PrivacyError(TargetingError):
    """A thing the law or our rules forbid. The message carries no data."""


class TurfError(TargetingError):
    """A turf request that cannot be met, with the reason."""


class ForbiddenError(TargetingError):
    """What a role does not allow; the message names neither the object nor anybody."""

    def __init__(self, role: str, action: str) -> None:
        super().__init__(
            f"your role ({role}) does not allow this ({action}): ask an administrator of the "
            "campaign."
            if role
            else "your session has ended: log in again."
        )
        self.role, self.action = role, action


class NotYoursError(ForbiddenError):
    """What a role allows on one's own alone, and this is another's, or nobody's: one answer."""

    def __init__(self, role: str, action: str) -> None:
        super().__init__(role, action)
        self.args = (
            "this is not in your hands: whoever leads the field can put the turf into them.",
        )
