"""Accounts of the team: invite, roles, lost telephones, closing."""

from targeting.web.team import show_team

show_team()
