import socket
from pathlib import Path

import pytest

from agent.doctor.check import Topic, Verdict
from agent.doctor.reach import reach_api_server
from tests.unit.agent.doctor.answering_server import answering_server
from tests.unit.agent.doctor.patient import Patient, examined


def in_pod(port: int, host: str = "127.0.0.1") -> dict[str, str]:
    return {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": str(port)}


@pytest.mark.parametrize(
    ("code", "verdict", "advice"),
    [
        (200, Verdict.OK, ""),
        (401, Verdict.MISSING, "of this cluster"),
        (403, Verdict.MISSING, "system:discovery"),
        (404, Verdict.MISSING, "kubectl apply -k infra/kustomize/crd"),
        (503, Verdict.MISSING, "that server's log"),
    ],
)
def test_the_api_server_is_asked_for_the_resources_with_the_token(
    tmp_path: Path, code: int, verdict: Verdict, advice: str
) -> None:
    with answering_server(code, account=tmp_path / "account") as asked:
        check = reach_api_server(in_pod(asked.port), tmp_path / "account")
    assert check.verdict is verdict
    assert advice in "".join(check.advice)
    assert asked.requests == [("/apis/leeward.dev/v1", "Bearer a-token")]


def test_without_being_asked_for_no_server_is_asked(tmp_path: Path) -> None:
    with answering_server(200, account=tmp_path / "account") as asked:
        seen = examined(tmp_path, Patient(environment=in_pod(asked.port), model_url=f"http://127.0.0.1:{asked.port}"))
    assert asked.requests == []
    assert seen.check(Topic.API_SERVER).verdict is Verdict.OK


def test_all_three_servers_are_asked_on_request(tmp_path: Path) -> None:
    with answering_server(200) as plain, answering_server(200, account=tmp_path / "account") as api:
        url = f"http://127.0.0.1:{plain.port}"
        patient = Patient(environment=in_pod(api.port), reach_servers=True, ingest_url=url, model_url=url)
        seen = examined(tmp_path, patient)
    for topic in (Topic.API_SERVER, Topic.INGEST, Topic.MODEL_SERVER):
        assert seen.check(topic).verdict is Verdict.OK
        assert "answers" in seen.check(topic).found
    assert plain.requests == [("/healthz", None), ("/healthz", None)]


def test_servers_that_are_not_set_are_not_missed(tmp_path: Path) -> None:
    seen = examined(tmp_path, Patient(reach_servers=True))
    assert "vectors are sent nowhere" in seen.check(Topic.INGEST).found
    assert "the state directory's model" in seen.check(Topic.MODEL_SERVER).found
    assert seen.report.is_complete


def test_a_server_that_is_away_is_told_with_its_address(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    seen = examined(tmp_path, Patient(reach_servers=True, ingest_url=f"http://127.0.0.1:{port}"))
    check = seen.check(Topic.INGEST)
    assert check.verdict is Verdict.MISSING
    assert f"127.0.0.1:{port} can't be reached" in check.found
    assert "network policies" in check.advice[0]
    assert not seen.report.is_complete


def test_an_unwell_server_is_told_with_its_answer(tmp_path: Path) -> None:
    with answering_server(503) as asked:
        seen = examined(tmp_path, Patient(reach_servers=True, model_url=f"http://127.0.0.1:{asked.port}"))
    assert "/healthz answers 503" in seen.check(Topic.MODEL_SERVER).found


def test_an_address_that_is_none_is_told_to_be(tmp_path: Path) -> None:
    check = reach_api_server(in_pod(0, host="no host"), tmp_path)
    assert check.verdict is Verdict.MISSING


def test_an_address_of_version_6_stands_in_brackets(tmp_path: Path) -> None:
    check = reach_api_server(in_pod(1, host="::1"), tmp_path)
    assert "::1" in check.found
    assert check.verdict is Verdict.MISSING


def test_a_service_account_is_read_before_the_server_is_asked(tmp_path: Path) -> None:
    with answering_server(200, account=tmp_path / "account") as asked:
        (tmp_path / "account/token").unlink()
        patient = Patient(environment=in_pod(asked.port), reach_servers=True)
        check = examined(tmp_path, patient).check(Topic.API_SERVER)
    assert check.found == f"in a pod, but token below {tmp_path / 'account'} can't be read"
    assert asked.requests == []
