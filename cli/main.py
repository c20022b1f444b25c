"""``leeward``: one command line for all rooms. Each command imports its room only when it runs."""

import typer

from cli import (
    agent,
    campaign,
    demo,
    evaluate,
    explain,
    extender,
    ingest,
    models,
    observe,
    profile,
    reset,
    testbed,
    traces,
    train,
    version,
)

app = typer.Typer(
    name="leeward",
    help="Places cloud-native network functions on Kubernetes nodes by hardware telemetry.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(agent.app, name="agent")
app.add_typer(extender.app, name="extender")
app.command(name="explain")(explain.explain)
app.add_typer(ingest.app, name="ingest")
app.add_typer(models.app, name="models")
app.add_typer(campaign.app, name="campaign")
app.add_typer(traces.app, name="traces")
app.add_typer(testbed.app, name="testbed")
app.command(name="profile")(profile.profile)
app.command(name="observe")(observe.observe)
app.add_typer(evaluate.app, name="eval")
app.command(name="train")(train.train)
app.command(name="demo")(demo.demo)
app.command(name="reset")(reset.reset)
app.command(name="version")(version.version)


if __name__ == "__main__":
    app(prog_name="leeward")
