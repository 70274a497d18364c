"""Reports: reading runs back, leaderboards, summaries, progress."""

from herl.report.read import Result, read_run, read_runs
from herl.report.write import leaderboard, terminal_table, write_summary

__all__ = ["Result", "leaderboard", "read_run", "read_runs", "terminal_table", "write_summary"]
