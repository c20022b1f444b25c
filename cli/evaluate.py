"""``leeward eval``: what the models are worth, and what placement gains."""

import typer

from cli.eval_heldout import heldout
from cli.eval_packing import packing
from cli.eval_placement import placement
from cli.eval_record import record
from cli.eval_replay import replay
from cli.eval_shadow import shadow
from cli.eval_watch import watch

app = typer.Typer(help="Honest figures, on workloads never seen in training.", no_args_is_help=True)

app.command()(heldout)
app.command()(placement)
app.command()(packing)
app.command()(watch)
app.command()(record)
app.command()(replay)
app.command()(shadow)
