"""Whether the agent is alive, and whether it does what it is there for: one sentence where it is not."""

from agent.figures import LoopFigures
from agent.settings import AgentSettings

WINDOWS_WITHOUT_END = 3
"""After so many window lengths without the end of one the loop hangs; a late sample or a slow disk costs one."""
SHORTEST_PATIENCE_SECONDS = 60.0
"""However short windows are."""
PUBLISHED_WITHIN_SECONDS = 300.0
"""When readers take a NodeState for stale, unless told otherwise; where heartbeats are rarer, two of them."""


def hanging(figures: LoopFigures, settings: AgentSettings, *, now_seconds: float) -> str | None:
    """Why the loop makes no progress; ``None`` where it does.

    Args:
        figures: of the loop.
        settings: in force.
        now_seconds: monotonic.
    """
    patience = max(WINDOWS_WITHOUT_END * settings.window_seconds, SHORTEST_PATIENCE_SECONDS)
    silent = now_seconds - figures.ended_seconds
    if silent <= patience:
        return None
    sampled = now_seconds - figures.beaten_seconds
    return (
        f"no window has ended for {silent:.0f} s, though one takes {settings.window_seconds:g} s; the last sample was "
        f"{sampled:.0f} s ago: restart the agent, and see its last log line"
    )


def unready(settings: AgentSettings, *, published_seconds: float | None, now_seconds: float) -> str | None:
    """Why readers can't rely on the node's NodeState; ``None`` where they can.

    Args:
        settings: in force.
        published_seconds: monotonic time of the last write that succeeded; ``None`` before the first.
        now_seconds: monotonic.
    """
    if published_seconds is None:
        return "no NodeState has been published yet: wait, or see the log for publish-failed"
    allowed = max(PUBLISHED_WITHIN_SECONDS, 2 * settings.heartbeat_seconds)
    silent = now_seconds - published_seconds
    if silent <= allowed:
        return None
    return f"no NodeState has been published for {silent:.0f} s: see the log for publish-failed"
