"""``leeward eval record``: write down what a cluster does, so that it can be replayed."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.api_server_options import CaFileOption, TokenFileOption
from cli.complaint import complaining_of

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DECISIONS_SECONDS = 600.0
_SKEW_WORTH_A_WORD_SECONDS = 5.0


def seconds_of(text: str) -> float:
    """A duration such as ``90s``, ``15m``, ``12h`` or ``7d`` in seconds.

    Raises:
        BadParameter: it is none.
    """
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not (number.isascii() and number.isdecimal()) or int(number) == 0:
        raise typer.BadParameter(f"{text!r} is no duration: write 90s, 15m, 12h or 7d", param_hint="--for")
    return int(number) * _UNITS[unit]


def record(
    *,
    into: Annotated[Path, typer.Option("--into", help="Directory; a recording there goes on.", file_okay=False)],
    lasting: Annotated[str, typer.Option("--for", metavar="DURATION", help="Such as 90s, 15m, 12h or 7d.")] = "7d",
    api_server: Annotated[
        str, typer.Option("--api-server", metavar="URL", help="Whose nodes, NodeStates and pods are recorded.")
    ] = "",
    ca_file: CaFileOption = None,
    token_file: TokenFileOption = None,
    decisions: Annotated[
        Path | None,
        typer.Option(help="An extender's state directory, whose decisions are copied in.", file_okay=False),
    ] = None,
) -> None:
    """Record a cluster's nodes, NodeStates and pods, read-only, until the time is over or a signal comes."""
    seconds = seconds_of(lasting)
    from eval.errors import EvaluationError
    from eval.replay.recorded_decisions import copy_decisions
    from eval.replay.recorder import Recorder, cluster_time
    from eval.replay.writing import recording_into
    from scheduler_extender.api_server import ApiServer
    from scheduler_extender.errors import ExtenderError

    with complaining_of(EvaluationError, ExtenderError, OSError):
        server = (
            ApiServer(url=api_server, ca_file=ca_file, token_file=token_file)
            if api_server
            else ApiServer.in_cluster(os.environ)
        )
        if server is None:
            typer.echo("leeward: --api-server is needed: outside a pod no cluster is found", err=True)
            raise typer.Exit(code=2)
        theirs, session = cluster_time(server), datetime.now(UTC)
        _say_skew(theirs, session)

        def copy() -> None:
            if decisions is not None:
                copy_decisions(decisions, into)

        with recording_into(into, session=session, cluster_time=theirs) as writer:
            recorder = Recorder(server, writer, told=lambda sentence: typer.echo(sentence, err=True))
            typer.echo(f"recording {server.url} into {into} for {lasting}; pods are kept without what may be secret")
            with _ended_by(recorder.stop):
                recorder.follow(seconds=seconds, periodically=copy, period_seconds=_DECISIONS_SECONDS)
        written = ", ".join(f"{count} {kind}" for kind, count in sorted(recorder.written.items()))
        typer.echo(f"{into}: {written or 'nothing'}; replay it with `leeward eval replay --recording {into}`")


def _say_skew(theirs: datetime | None, ours: datetime) -> None:
    if theirs is not None and abs((theirs - ours).total_seconds()) > _SKEW_WORTH_A_WORD_SECONDS:
        typer.echo(
            f"this machine's clock and the API server's lie {(ours - theirs).total_seconds():+.0f} s apart: "
            "synchronise them, or states will look older or younger in the replay than they were",
            err=True,
        )


@contextmanager
def _ended_by(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT end the recording, with all written that was seen."""
    before = {number: signal.signal(number, lambda *_: stop()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
