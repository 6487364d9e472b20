"""Replay: an event log in the format of the published model's simulation, sent as messages of the contract.

``reader`` reads the file event by event, ``shape`` validates a single event, ``spool`` stores the events on disk,
validates them as a whole and returns them in the order in which they ended, and ``run`` sends them.
"""

from simulator.replay.run import Replay, ReplayProgress, ReplaySummary, plan_replay, replay
from simulator.replay.spool import EventLog, open_event_log

__all__ = ["EventLog", "Replay", "ReplayProgress", "ReplaySummary", "open_event_log", "plan_replay", "replay"]
