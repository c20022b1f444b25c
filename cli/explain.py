"""``leeward explain``: why a pod is, or would be, where it is."""

from typing import Annotated

import typer

from cli.complaint import complaining_of


def explain(
    pod: Annotated[str, typer.Argument(metavar="NAMESPACE/POD", help="A pod that the cluster knows.")],
    *,
    extender: Annotated[
        str, typer.Option(metavar="URL", help="The extender, for instance behind `kubectl port-forward`.")
    ] = "http://127.0.0.1:8888",
    node: Annotated[list[str] | None, typer.Option(help="Of a waiting pod: this node; may be repeated.")] = None,
) -> None:
    """Say what was decided of a bound pod, or how nodes score for a waiting one."""
    from scheduler_extender.errors import ExtenderError
    from scheduler_extender.pod_report import told
    from scheduler_extender.report_client import report_of

    namespace, _, name = pod.rpartition("/")
    with complaining_of(ExtenderError):
        report = report_of(extender, namespace=namespace or "default", name=name, nodes=node or ())
    typer.echo(told(report))
