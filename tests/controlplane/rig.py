"""A control plane on loopback: etcd, API server, scheduler and KWOK from one binary, with the manifests of ``infra/``.

The API server speaks TLS alone, authorises by RBAC and admits by its default plugins but one. The scheduler runs on the
configuration that ``infra/`` ships, with the extender's address replaced.
"""

import json
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.controlplane.api_client import ApiClient, ApiRefusal
from tests.controlplane.certificates import Authority, Signed, write_signing_key
from tests.controlplane.component import Component
from tests.unit.live_server import eventually

ROOT = Path(__file__).parents[2]
BINARY = ROOT / ".tools/controlplane/leeward-controlplane"
MANIFESTS = ROOT / "infra/kustomize"
SYSTEM = "leeward-system"
SCHEDULER = "leeward-scheduler"
"""The profile's name in the shipped configuration, and the account that the shipped role is bound to."""
READY_SECONDS = 120.0
"""For what takes a few, on a machine that has much else to do."""


def free_ports(count: int) -> list[int]:
    """As many ports of loopback, none twice, that nobody listens on."""
    with ExitStack() as held:
        return [held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(count)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the parts listen; none changes while the rig runs, whatever is restarted."""

    etcd: int
    api_server: int
    scheduler: int
    extender: int


class ControlPlane:
    """Starts its parts in order, and hands out credentials.

    Args:
        folder: for certificates, data and logs; must be empty.
        lease_seconds: how long a node's lease holds; KWOK renews each four times as often.
    """

    def __init__(self, folder: Path, *, lease_seconds: int = 40) -> None:
        self.folder = folder
        self._lease_seconds = lease_seconds
        etcd, api_server, scheduler, extender = free_ports(4)
        self.ports = Addresses(etcd=etcd, api_server=api_server, scheduler=scheduler, extender=extender)
        self._parts: list[Component] = []
        self.url = f"https://127.0.0.1:{self.ports.api_server}"
        self.authority = Authority(folder)
        self._serving = self.authority.sign("kube-apiserver")
        administrator = self.authority.sign("administrator", groups=["system:masters"])
        self.administrator = ApiClient(self.url, authority=self.authority.certificate, user=administrator)
        self._kubeconfig = self._write_kubeconfig("administrator", _of_certificate(administrator))
        self.etcd = self.part("etcd", [str(folder / "etcd"), f"http://127.0.0.1:{self.ports.etcd}"])
        self.api_server = self.part("kube-apiserver", self._api_server_flags())

    def start(self) -> None:
        """Start all, and apply everything that ``infra/`` has; returns when each part says that it is ready."""
        self.etcd.start()
        self.etcd.wait_until(lambda: "ready" in self.etcd.log.read_text().split(), seconds=READY_SECONDS)
        self.start_api_server()
        self._wait_for("/api/v1/namespaces/kube-system")
        self.kubectl("apply", "--server-side", "-k", str(MANIFESTS / "with-scheduler"))
        for namespace in ("default", SYSTEM):
            # What the controller manager, which is not here, makes in every namespace.
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
            self.administrator.apply(f"/api/v1/namespaces/{namespace}/serviceaccounts/default", account)
        self._wait_for("/apis/leeward.dev/v1/nodestates")
        self.scheduler = self.scheduler_with(self.scheduler_configuration())
        self.kwok = self.part("kwok", self._kwok_flags())
        self.kwok.start()
        self.scheduler.start()
        self.scheduler.wait_until(self._scheduler_leads, seconds=READY_SECONDS)
        self.kwok.wait_until(lambda: True, seconds=READY_SECONDS)

    def start_api_server(self) -> None:
        """Start it, and wait until it is ready."""
        self.api_server.start()
        self.api_server.wait_until(self.administrator.is_ready, seconds=READY_SECONDS)

    def part(self, name: str, flags: list[str]) -> Component:
        """A part of the binary that is ended with the others; it is not started yet.

        Args:
            name: of its subcommand.
            flags: that it is given.
        """
        part = Component(name, [str(BINARY), name, *flags], folder=self.folder)
        self._parts.append(part)
        return part

    def scheduler_configuration(self) -> dict[str, Any]:
        """The shipped ``KubeSchedulerConfiguration``, with the addresses of API server and extender replaced."""
        configuration: dict[str, Any] = yaml.safe_load((MANIFESTS / "scheduler/scheduler.yaml").read_text("utf-8"))
        (extender,) = configuration["extenders"]
        extender["urlPrefix"] = f"http://127.0.0.1:{self.ports.extender}"
        # In a pod it would find API server and token by itself.
        configuration["clientConnection"] = {"kubeconfig": str(self.kubeconfig_of(SCHEDULER))}
        return configuration

    def scheduler_with(self, configuration: Mapping[str, Any]) -> Component:
        """A scheduler with that configuration; of several, one may run at a time."""
        kubeconfig = configuration["clientConnection"]["kubeconfig"]
        path = self.folder / "scheduler.yaml"
        path.write_text(yaml.safe_dump(dict(configuration)), encoding="utf-8")
        serving = self.authority.sign("kube-scheduler")
        flags = [
            f"--config={path}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.ports.scheduler}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
        ]
        return self.part("kube-scheduler", flags)

    def close(self) -> None:
        """End all, those first that depend on others."""
        for part in reversed(self._parts):
            part.kill()

    def kubectl(self, *arguments: str) -> str:
        """What the administrator's ``kubectl`` prints.

        Raises:
            AssertionError: it failed; shows what it said.
        """
        command = [str(BINARY), "kubectl", f"--kubeconfig={self._kubeconfig}", f"--cache-dir={self.folder / 'kubectl'}"]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def token(self, account: str, *, pod: str = "") -> str:
        """A token of a service account of ``leeward-system``, as the kubelet projects it into the pod.

        Args:
            account: its name.
            pod: the token is bound to it, and so names its node; not bound where absent.
        """
        spec: dict[str, Any] = {"expirationSeconds": 3600}
        if pod:
            uid = self.administrator.get(f"/api/v1/namespaces/{SYSTEM}/pods/{pod}")["metadata"]["uid"]
            spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": uid}
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        answer = self.administrator.create(f"/api/v1/namespaces/{SYSTEM}/serviceaccounts/{account}/token", request)
        return str(answer["status"]["token"])

    def kubeconfig_of(self, account: str) -> Path:
        """A kubeconfig with which a program calls as a service account of ``leeward-system``."""
        return self._write_kubeconfig(account, {"token": self.token(account)})

    def has(self, path: str) -> bool:
        """Whether the API server has something there, and gives it out already."""
        try:
            self.administrator.get(path)
        except ApiRefusal as refusal:
            if refusal.status not in {404, 429}:
                raise
            return False
        return True

    def _wait_for(self, path: str) -> None:
        eventually(lambda: self.has(path), seconds=READY_SECONDS)

    def _api_server_flags(self) -> list[str]:
        key = write_signing_key(self.folder / "service-accounts.key")
        return [
            f"--etcd-servers=http://127.0.0.1:{self.ports.etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.ports.api_server}",
            # The endpoints of the Service `kubernetes`, to which nobody here goes.
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={self._serving.certificate}",
            f"--tls-private-key-file={self._serving.key}",
            f"--client-ca-file={self.authority.certificate}",
            # Where aggregated API servers would read who calls; the scheduler's serving port wants it to be there.
            f"--requestheader-client-ca-file={self.authority.certificate}",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=RBAC",
            # It taints new nodes until the node lifecycle controller, which is not here, has seen them ready.
            "--disable-admission-plugins=TaintNodesByCondition",
            "--profiling=false",
        ]

    def _scheduler_leads(self) -> bool:
        path = f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/{SCHEDULER}"
        return self.has(path) and bool(self.administrator.get(path)["spec"].get("holderIdentity"))

    def _kwok_flags(self) -> list[str]:
        stages = self.folder / "stages.yaml"
        stages.write_bytes(subprocess.run([BINARY, "stages"], capture_output=True, check=True).stdout)
        return [
            f"--kubeconfig={self._kubeconfig}",
            f"--config={stages}",
            "--manage-all-nodes=true",
            f"--node-lease-duration-seconds={self._lease_seconds}",
            "--node-port=0",
        ]

    def _write_kubeconfig(self, name: str, user: dict[str, str]) -> Path:
        cluster = {"server": self.url, "certificate-authority": str(self.authority.certificate)}
        path = self.folder / f"{name}.kubeconfig"
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "rig", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": name}}],
            "current-context": "rig",
        }
        path.write_text(json.dumps(document), encoding="utf-8")
        path.chmod(0o600)
        return path


def _of_certificate(signed: Signed) -> dict[str, str]:
    return {"client-certificate": str(signed.certificate), "client-key": str(signed.key)}


@contextmanager
def control_plane(folder: Path, *, lease_seconds: int = 40) -> Iterator[ControlPlane]:
    """One that runs, until the block ends.

    Args:
        folder: as of ``ControlPlane``.
        lease_seconds: as of ``ControlPlane``.

    Raises:
        AssertionError: the binary was not built, or a part does not get ready.
    """
    assert BINARY.is_file(), f"{BINARY} is not there: run `make controlplane`"
    with ExitStack() as ending:
        plane = ControlPlane(folder, lease_seconds=lease_seconds)
        ending.callback(plane.close)
        plane.start()
        yield plane
