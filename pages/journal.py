"""The log of what was done."""

from targeting.web.journal import show_log

show_log()
