"""Whether the servers that the agent talks to answer; asked only on request."""

from collections.abc import Mapping
from pathlib import Path

from agent.doctor.check import Check, Topic, Verdict
from agent.errors import AgentError, UnreachableError
from agent.http_client import HttpClient, Server
from agent.settings import AgentSettings
from contracts.nodestate import GROUP, VERSION

TIMEOUT_SECONDS = 2.0
"""For connecting, and for each wait: a person waits for three of them."""

_DISCOVERY = f"/apis/{GROUP}/{VERSION}"
_HEALTH = "/healthz"
_ADVICE = {
    401: "the token is not accepted: is the service account of this cluster?",
    403: "bind system:discovery to the service account again, which clusters do from the start",
    404: "apply the CRD: kubectl apply -k infra/kustomize/crd",
}
_NETWORK = "see that the address is right and that network policies let the agent out to it"


def reach_api_server(environment: Mapping[str, str], account: Path) -> Check:
    """Ask the API server for Leeward's resources.

    Args:
        environment: of the process, in a pod.
        account: where the service account is mounted.
    """
    host, port = environment.get("KUBERNETES_SERVICE_HOST", ""), environment.get("KUBERNETES_SERVICE_PORT", "443")
    url = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    ca_file, token_file = account / "ca.crt", account / "token"
    return _asked(Topic.API_SERVER, url, _DISCOVERY, ca_file=ca_file, token_file=token_file)


def reach_ingest(settings: AgentSettings) -> Check:
    """Ask the ingest endpoint how it is."""
    return _reach(Topic.INGEST, settings.ingest_url, settings, without="vectors are sent nowhere")


def reach_model_server(settings: AgentSettings) -> Check:
    """Ask the model server how it is."""
    return _reach(Topic.MODEL_SERVER, settings.model_url, settings, without="the state directory's model is used")


def _reach(topic: Topic, url: str | None, settings: AgentSettings, *, without: str) -> Check:
    if url is None:
        return Check(topic=topic, verdict=Verdict.OK, found=f"none is set: {without}")
    return _asked(topic, url, _HEALTH, ca_file=settings.ca_file)


def _asked(topic: Topic, url: str, path: str, *, ca_file: Path | None, token_file: Path | None = None) -> Check:
    try:
        client = HttpClient(Server(url=url, ca_file=ca_file, token_file=token_file), timeout_seconds=TIMEOUT_SECONDS)
    except AgentError as error:
        return Check(topic=topic, verdict=Verdict.MISSING, found=str(error), advice=("set its address",))
    try:
        answer = client.exchange("GET", path)
    except UnreachableError as error:
        return Check(topic=topic, verdict=Verdict.MISSING, found=str(error), advice=(_NETWORK,))
    finally:
        client.close()
    if answer.is_success:
        return Check(topic=topic, verdict=Verdict.OK, found=f"{url} answers")
    advice = _ADVICE.get(answer.status) if topic is Topic.API_SERVER else None
    return Check(
        topic=topic,
        verdict=Verdict.MISSING,
        found=f"{url}{path} answers {answer.status}",
        advice=(advice or "see that server's log",),
    )
