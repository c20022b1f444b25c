"""``leeward eval watch``: whether the champion still holds live, and what is done where it does not."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.complaint import complaining_of
from cli.sigterm import ended_by_sigterm
from cli.state import DEFAULT, StateError, StateOption, prepared

if TYPE_CHECKING:
    from eval.watch.settings import WatchSettings
    from eval.watch.state import Record
    from eval.watch.trainer import Trainer
    from pipelines.registry import RegistryPlace
    from pipelines.settings import TrainingSettings

DEFAULT_EVERY = 600.0


def watch(
    *,
    state: StateOption = DEFAULT,
    once: Annotated[bool, typer.Option("--once", help="Look once, do what can be done now, and end.")] = False,
    every: Annotated[float, typer.Option("--every", min=1.0, help="Seconds between looks.")] = DEFAULT_EVERY,
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Levels and times of the watch.", dir_okay=False)
    ] = None,
    training: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Settings of its trainings.", dir_okay=False)
    ] = None,
    registry: Annotated[
        str,
        typer.Option("--registry", envvar="MLFLOW_TRACKING_URI", help="MLflow; the state directory's own unless said."),
    ] = "",
    submit: Annotated[bool, typer.Option("--submit", help="Have a Kubeflow endpoint train, not this machine.")] = False,
    host: Annotated[
        str, typer.Option(help="With --submit: URL of Kubeflow Pipelines.", envvar="KF_PIPELINES_ENDPOINT")
    ] = "",
    namespace: Annotated[str, typer.Option(help="With --submit: Kubeflow profile, where there are several.")] = "",
    image: Annotated[str, typer.Option(help="With --submit: image of the components; the default is Leeward's.")] = "",
    token_file: Annotated[
        Path | None, typer.Option(help="With --submit: file with a bearer token.", dir_okay=False)
    ] = None,
    demonstrate: Annotated[
        bool, typer.Option("--demonstrate", help="Show the loop on a simulated site, in a state directory of its own.")
    ] = False,
) -> None:
    """Join predictions with what happened; raise the alarm, have a challenger trained, and guard a new champion."""
    if submit and not (host and registry):
        typer.echo("leeward: --submit needs --host, Kubeflow Pipelines' URL, and --registry, MLflow's", err=True)
        raise typer.Exit(code=2)
    from contracts.errors import ContractError
    from eval.errors import EvaluationError
    from feature_repo.errors import FeatureRepositoryError
    from pipelines.errors import PipelineError
    from serving.errors import BundleError

    errors = (StateError, ContractError, EvaluationError, FeatureRepositoryError, PipelineError, BundleError, OSError)
    with ended_by_sigterm(), complaining_of(*errors):
        if demonstrate:
            _demonstrate(prepared(state))
            return
        place = prepared(state)
        chosen = _settings(settings)
        told = _training(training)
        where = _registry(place, registry)
        trainer = (
            _kubeflow(told, where, host=host, namespace=namespace, image=image, token_file=token_file)
            if submit
            else _local(place, told, where)
        )
        _watch(place, chosen, where, trainer, once=once, every=every)


def _watch(
    state: Path, settings: "WatchSettings", registry: "RegistryPlace", trainer: "Trainer", *, once: bool, every: float
) -> None:
    from eval.watch.evidence import StoredEvidence
    from eval.watch.models import RegistryModels
    from eval.watch.recorded_decisions import RecordedDecisions
    from eval.watch.standing import standing_lines
    from eval.watch.state import Kept
    from eval.watch.watch import Ports, Watch

    kept = Kept(state)
    with kept.claimed():
        ports = Ports(
            evidence=StoredEvidence(state),
            predictions=RecordedDecisions(state),
            models=RegistryModels(state, registry),
            trainer=trainer,
        )
        watching = Watch(kept, ports, settings)
        if not once:
            watching.every(every, told=_say)
        for record in watching.look():
            _say(record)
        for line in standing_lines(watching.state, settings):
            typer.echo(line)


def _say(record: "Record") -> None:
    typer.echo(f"{record.at:%Y-%m-%d %H:%M:%S}  {record.event}: {record.sentence}")


def _settings(file: Path | None) -> "WatchSettings":
    from eval.watch.settings import WatchSettings

    return WatchSettings() if file is None else WatchSettings.from_json(file.read_bytes())


def _training(file: Path | None) -> "TrainingSettings":
    from pipelines.settings import TrainingSettings

    return TrainingSettings() if file is None else TrainingSettings.from_json(file.read_bytes())


def _registry(state: Path, told: str) -> "RegistryPlace":
    from pipelines.registry import RegistryPlace, local_registry

    return RegistryPlace(tracking_uri=told) if told else local_registry(state)


def _local(state: Path, training: "TrainingSettings", registry: "RegistryPlace") -> "Trainer":
    from eval.watch.local_trainer import LocalTrainer
    from eval.watch.local_training import write_settings

    write_settings(state, training, registry)
    return LocalTrainer(state)


def _kubeflow(
    training: "TrainingSettings",
    registry: "RegistryPlace",
    *,
    host: str,
    namespace: str,
    image: str,
    token_file: Path | None,
) -> "Trainer":
    from eval.watch.kubeflow_trainer import KubeflowTrainer
    from pipelines.component_image import DEFAULT_IMAGE
    from pipelines.submission import Submission
    from pipelines.task_needs import STATE, TRACES

    return KubeflowTrainer(
        Submission(
            host=host,
            registry=registry,
            settings=training,
            image=image or DEFAULT_IMAGE,
            namespace=namespace,
            token=token_file.read_text().strip() if token_file else "",
            traces=TRACES,
            state=STATE,
        )
    )


def _demonstrate(state: Path) -> None:
    from eval.watch.change import Change
    from eval.watch.demonstration import Demonstration, line_of, summary_of
    from eval.watch.scale import WHOLE

    shown = Demonstration(state, Change.FAMILY, WHOLE, in_memory=False).show(lambda hour: typer.echo(line_of(hour)))
    typer.echo(summary_of(shown, WHOLE))
