"""A training on a cluster, by Kubeflow's own client.

Kubeflow gives a run its identifier only when it has taken it. So the runs that were there before are kept first: a run
that is there and was not, is the one that was begun, also where the watch was killed before it heard of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

from eval.watch.trainer import RunState, RunStatus
from pipelines.errors import PipelineError
from pipelines.submission import EXPERIMENT, Submission, submit

if TYPE_CHECKING:
    from kfp.client import Client

_LATEST = 100
_STATES = {
    "SUCCEEDED": RunState.ENDED,
    "SKIPPED": RunState.ENDED,
    "FAILED": RunState.FAILED,
    "CANCELED": RunState.FAILED,
}
_GONE = 404


class KubeflowTrainer:
    """Trains where Kubeflow Pipelines run, as ``leeward train --submit`` does.

    Args:
        submission: what is run, once.
    """

    def __init__(self, submission: Submission) -> None:
        self._submission = submission

    def known(self) -> tuple[str, ...]:
        """See ``Trainer``."""
        with self._asked() as client:
            experiment = client.create_experiment(EXPERIMENT, namespace=self._namespace)
            listed = client.list_runs(
                experiment_id=experiment.experiment_id,
                namespace=self._namespace,
                page_size=_LATEST,
                sort_by="created_at desc",
            )
            return tuple(str(run.run_id) for run in listed.runs or ())

    def start(self, run: str) -> str:  # noqa: ARG002 - Kubeflow names runs itself
        """See ``Trainer``."""
        return submit(self._submission).run

    def find(self, run: str, before: tuple[str, ...]) -> str | None:  # noqa: ARG002 - as above
        """See ``Trainer``."""
        new = [handle for handle in self.known() if handle not in before]
        return new[-1] if new else None

    def status(self, handle: str) -> RunStatus:
        """See ``Trainer``."""
        from kfp.client.client import kfp_server_api as api  # noqa: PLC0415

        with self._asked() as client:
            try:
                run: Any = client.get_run(handle)
            except api.ApiException as error:
                if error.status == _GONE:
                    return RunStatus(state=RunState.LOST, said=f"Kubeflow knows of no run {handle}")
                raise
        state = _STATES.get(str(run.state).upper(), RunState.RUNNING)
        failed = state is RunState.FAILED
        return RunStatus(state=state, said=_said(run) if failed else "")

    def end(self, handle: str) -> None:
        """See ``Trainer``."""
        with self._asked() as client:
            client.terminate_run(handle)

    @property
    def _namespace(self) -> str | None:
        return self._submission.namespace or None

    @contextmanager
    def _asked(self) -> Iterator["Client"]:
        """kfp's client; what it raises becomes one sentence."""
        from kfp.client.client import kfp_server_api as api  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        told = self._submission
        try:
            with catch_warnings(), redirect_stdout(StringIO()):
                simplefilter("ignore", FutureWarning)
                from kfp.client import Client  # noqa: PLC0415

                yield Client(host=told.host, namespace=told.namespace or "kubeflow", existing_token=told.token or None)
        except api.ApiException as error:
            raise PipelineError(f"Kubeflow at {told.host} answered {error.status} {error.reason}") from error
        except HTTPError as error:
            raise PipelineError(f"Kubeflow at {told.host} can't be reached: {error}") from error


def _said(run: Any) -> str:
    error = getattr(run, "error", None)
    said = getattr(error, "message", "") or str(run.state).lower()
    return f"Kubeflow says of run {run.run_id}: {said}"
