"""Browsers that are logged in: one's own, or everybody's."""

from targeting.web.team import show_sessions

show_sessions()
