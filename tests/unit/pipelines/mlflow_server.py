"""A real MLflow server on Postgres with artifacts proxied, and a way to it that can be cut."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import quote, urlsplit

from feature_repo.settings import DATABASE, HOST, PASSWORD, PORT, USER
from tests.unit.feature_repo.servers import free_port, running_servers

_START_SECONDS = 180.0  # migrations of a new database take long on a busy machine

Cut = Callable[[str, str], bool]
"""Whether a request, by its method and path, finds nobody any more; nor do those after it."""


@contextmanager
def running_mlflow(directory: Path) -> Iterator[str]:
    """The server's address, while it runs."""
    with running_servers() as environment:
        user, password = environment[USER], quote(environment[PASSWORD], safe="")
        place = f"{environment[HOST]}:{environment[PORT]}/{environment[DATABASE]}"
        port = free_port()
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
                *("--workers", "1", "--backend-store-uri", f"postgresql+psycopg://{user}:{password}@{place}"),
                *("--serve-artifacts", "--artifacts-destination", str(directory / "artifacts")),
            ],
            cwd=directory,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait_for(port, server)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


@contextmanager
def way_that_is_cut(server: str, cut: Cut) -> Iterator[str]:
    """Another address of a server, which answers until a request is met that cuts it."""
    target = urlsplit(server).netloc
    gone = False

    class Forward(BaseHTTPRequestHandler):
        def forward(self) -> None:
            nonlocal gone
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            gone = gone or cut(self.command, self.path)
            if gone:
                self.close_connection = True
                return
            connection = http.client.HTTPConnection(target, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward  # noqa: N815 - http.server calls them so

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Forward)
    thread = Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{proxy.server_address[1]}"
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()


def _wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        assert server.poll() is None, f"mlflow ended with status {server.returncode}"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            assert time.monotonic() < deadline, "mlflow can't be reached"
        finally:
            connection.close()
        time.sleep(0.2)
