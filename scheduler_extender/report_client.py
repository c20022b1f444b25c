"""Asks a running extender about a pod."""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

import msgspec
import urllib3

from scheduler_extender.errors import ExtenderError
from scheduler_extender.pod_report import PodReport, decode_report

_SECONDS = 30.0


class _Refusal(msgspec.Struct, rename="pascal"):
    error: str


def report_of(url: str, *, namespace: str, name: str, nodes: Sequence[str] = ()) -> PodReport:
    """What an extender has to say of a pod.

    Args:
        url: of the extender, ``http://host:port``.
        namespace, name: of the pod.
        nodes: to explain of a waiting pod; the best ones where none are named.

    Raises:
        ExtenderError: it can't be reached, does not know the pod, or is something else.
    """
    query = urlencode([("node", node) for node in nodes])
    target = f"{url.rstrip('/')}/explain/{quote(namespace, safe='')}/{quote(name, safe='')}?{query}"
    try:
        answer = urllib3.request("GET", target, timeout=_SECONDS, retries=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise ExtenderError(
            f"the extender at {url} can't be asked: {error}; name it by --extender, or forward its port with "
            "kubectl -n leeward-system port-forward deployment/leeward-extender 8888"
        ) from error
    if answer.status != 200:
        raise ExtenderError(f"the extender at {url} answers {answer.status}: {_said(answer.data)}")
    return decode_report(answer.data)


def _said(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Refusal).error
    except (msgspec.DecodeError, UnicodeError):
        return body[:200].decode("utf-8", errors="replace")
