import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import AgentError
from agent.settings import AgentSettings, Roots
from agent.settings_field import setting_fields
from agent.settings_sources import CONFIG, settings_of, variable_of
from contracts.nodestate import EventGroup, IsolatedCpuPolicy

FIELDS = setting_fields(AgentSettings)
OTHER_THAN_DEFAULT: dict[str, tuple[str, str, object]] = {
    "node": ("worker-7", '"worker-7"', "worker-7"),
    "state_directory": ("/state", '"/state"', Path("/state")),
    "roots.sys": ("/host/sys", '"/host/sys"', Path("/host/sys")),
    "roots.proc": ("/host/proc", '"/host/proc"', Path("/host/proc")),
    "roots.resctrl": ("/resctrl", '"/resctrl"', Path("/resctrl")),
    "roots.cgroup": ("/cgroup", '"/cgroup"', Path("/cgroup")),
    "sampling_period_seconds": ("2.5", "2.5", 2.5),
    "window_seconds": ("30", "30", 30.0),
    "heartbeat_seconds": ("60", "60", 60.0),
    "minimum_running_share": ("0.1", "0.1", 0.1),
    "event_groups": ("core, resctrl", '["core", "resctrl"]', (EventGroup.CORE, EventGroup.RESCTRL)),
    "isolated_cpus": ("sampled", '"sampled"', IsolatedCpuPolicy.SAMPLED),
    "remote_reads_per_second": ("50", "50", 50.0),
    "ingest_url": ("http://ingest:80", '"http://ingest:80"', "http://ingest:80"),
    "spool_bytes": ("2097152", "2_097_152", 2 << 20),
    "model_url": ("https://models/v", '"https://models/v"', "https://models/v"),
    "model_poll_seconds": ("5", "5.0", 5.0),
    "ca_file": ("/ca.pem", '"/ca.pem"', Path("/ca.pem")),
    "listen": ("[::]:9464", '"[::]:9464"', "[::]:9464"),
    "replay": ("/trace", '"/trace"', Path("/trace")),
}
"""By key: as text, as TOML, as the agent has it."""


def value_of(settings: AgentSettings, key: str) -> object:
    value: object = settings
    for name in key.split("."):
        value = getattr(value, name)
    return value


def written(directory: Path, text: str) -> Path:
    path = directory / "agent.toml"
    path.write_text(text)
    return path


def test_each_setting_is_tried_here() -> None:
    assert list(OTHER_THAN_DEFAULT) == list(FIELDS)
    assert all(value != value_of(AgentSettings(), key) for key, (_, _, value) in OTHER_THAN_DEFAULT.items())


@pytest.mark.parametrize("key", FIELDS)
def test_each_setting_can_be_said_everywhere(key: str, tmp_path: Path) -> None:
    text, toml, value = OTHER_THAN_DEFAULT[key]
    file = written(tmp_path, f"{key} = {toml}")
    for settings in (
        settings_of(told={key: text}, environment={}),
        settings_of(told={key: value}, environment={})
        if not isinstance(value, tuple)
        else settings_of(environment={variable_of(key): text}),
        settings_of(environment={variable_of(key): f" {text} "}),
        settings_of(config=file, environment={}),
        settings_of(environment={CONFIG: str(file)}),
    ):
        assert value_of(settings, key) == value
        assert type(value_of(settings, key)) is type(value)
        others = [other for other in FIELDS if other != key]
        assert all(value_of(settings, other) == value_of(AgentSettings(), other) for other in others)


@pytest.mark.parametrize("key", FIELDS)
def test_the_command_line_goes_before_the_environment_and_that_before_the_file(key: str, tmp_path: Path) -> None:
    text, toml, value = OTHER_THAN_DEFAULT[key]
    default = value_of(AgentSettings(node="n1"), key)
    default_text = ",".join(default) if isinstance(default, tuple) else str(default)
    file = written(tmp_path, f"{key} = {toml}")
    if default is None:
        return
    assert value_of(settings_of(config=file, environment={variable_of(key): default_text}), key) == default
    told = settings_of(told={key: text}, config=file, environment={variable_of(key): default_text})
    assert value_of(told, key) == value


def test_what_nobody_says_keeps_its_default(tmp_path: Path) -> None:
    assert settings_of(environment={}) == AgentSettings()
    assert settings_of(config=written(tmp_path, "# nothing\n[roots]\n"), environment={}) == AgentSettings()
    preset = AgentSettings(node="n1", state_directory=tmp_path, roots=Roots.under(tmp_path))
    assert settings_of(environment={}, defaults=preset) == preset


def test_nothing_said_is_nothing_said() -> None:
    settings = settings_of(told={"node": None, "listen": ""}, environment={variable_of("ingest_url"): "", CONFIG: ""})
    assert settings == AgentSettings()


def test_the_node_is_named_by_the_command_then_the_environment_then_the_manifest_then_the_host() -> None:
    def node(told: str | None, environment: dict[str, str]) -> str:
        return settings_of(told={"node": told}, environment=environment).node

    manifest, own = {"NODE_NAME": "worker-7"}, {"LEEWARD_AGENT_NODE": "worker-8"}
    assert node("told", manifest | own) == "told"
    assert node(None, manifest | own) == node(None, own | manifest) == "worker-8"
    assert node(None, manifest) == "worker-7"
    assert node(None, {}) == AgentSettings().node


def test_what_kubernetes_puts_beside_a_service_of_that_name_is_no_setting() -> None:
    links = {
        "LEEWARD_AGENT_SERVICE_HOST": "10.0.0.7",
        "LEEWARD_AGENT_SERVICE_PORT": "9464",
        "LEEWARD_AGENT_SERVICE_PORT_METRICS": "9464",
        "LEEWARD_AGENT_PORT": "tcp://10.0.0.7:9464",
        "LEEWARD_AGENT_PORT_9464_TCP": "tcp://10.0.0.7:9464",
        "LEEWARD_AGENT_PORT_9464_TCP_ADDR": "10.0.0.7",
    }
    assert settings_of(environment=links) == AgentSettings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('node = "n"\nwindow_second = 3', r"agent.toml:2: there is no setting window_second; is window_seconds meant"),
        ("banana = 3", r"agent.toml:1: there is no setting banana; docs/agent-settings.md lists them"),
        ("[sampling]\nperiod = 3", r"agent.toml:2: there is no setting sampling.period"),
        ("roots = 3", r"agent.toml:1: there is no setting roots"),
        ("[roots]\n\nsysfs = '/s'", r"agent.toml:3: there is no setting roots.sysfs; is roots.sys meant"),
        ('window_seconds = "20"', r"agent.toml:1: window_seconds is '20': say a number above 0, up to 600"),
        ("window_seconds = true", r"window_seconds is True: say a number"),
        ("window_seconds = nan", r"window_seconds is nan: say a number"),
        ("spool_bytes = 2097152.5", r"spool_bytes is 2097152.5: say a whole number from 1048576 to"),
        ("node = 1979-05-27", r"node is datetime.date\(1979, 5, 27\): say text"),
        ("event_groups = 'core'", r"event_groups is 'core': say a list of core, uncore, resctrl"),
        ("event_groups = ['gpu']", r"event_groups is \['gpu'\]: say a list of core"),
        ("window_seconds = 0.5", "a sample every 1.0 s and a window of 0.5 s"),
        ("window_seconds =", r"settings file .*agent.toml is no TOML: Invalid value"),
        ("a = 1\na = 2", r"settings file .*agent.toml is no TOML: Cannot overwrite a value"),
    ],
)
def test_a_file_that_can_not_be_followed_is_refused_by_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(AgentError, match=message):
        settings_of(config=written(tmp_path, text), environment={})


def test_a_file_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match=r"settings file .*nowhere.toml can't be read: No such file"):
        settings_of(config=tmp_path / "nowhere.toml", environment={})
    path = tmp_path / "latin.toml"
    path.write_bytes(b"# \xe9\n")
    with pytest.raises(AgentError, match=r"latin.toml is no TOML: 'utf-8' codec"):
        settings_of(config=path, environment={})


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {"LEEWARD_AGENT_LISTENS": ":1"},
            "variable LEEWARD_AGENT_LISTENS: there is no setting listens; is listen meant",
        ),
        ({"LEEWARD_AGENT_LISTEN": "x"}, "environment variable LEEWARD_AGENT_LISTEN: listen is 'x': say text such as"),
        ({"LEEWARD_AGENT_SPOOL_BYTES": "64Mi"}, "spool_bytes is '64Mi': say a whole number"),
        ({"LEEWARD_AGENT_EVENT_GROUPS": ","}, "event_groups is ',': say a list of core"),
    ],
)
def test_a_variable_that_can_not_be_followed_is_refused_by_name(environment: dict[str, str], message: str) -> None:
    with pytest.raises(AgentError, match=message):
        settings_of(environment=environment)


def test_a_command_line_that_can_not_be_followed_is_refused() -> None:
    with pytest.raises(AgentError, match="command line: window_seconds is 'soon': say a number above 0"):
        settings_of(told={"window_seconds": "soon"}, environment={})


@given(
    period=st.floats(0.001, 60.0),
    window=st.floats(60.0, 600.0),
    groups=st.lists(st.sampled_from(EventGroup), min_size=1, unique=True),
    node=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=40),
)
def test_what_is_written_is_what_is_read(period: float, window: float, groups: list[EventGroup], node: str) -> None:
    meant = AgentSettings(node=node, sampling_period_seconds=period, window_seconds=window, event_groups=tuple(groups))
    said = {"node": node, "sampling_period_seconds": str(period), "window_seconds": str(window)}
    environment = {variable_of(key): text for key, text in (said | {"event_groups": ",".join(groups)}).items()}
    assert settings_of(environment=environment) == meant
    for key in ("sampling_period_seconds", "window_seconds", "node", "event_groups"):
        value = value_of(meant, key)
        assert FIELDS[key].from_toml(json.loads(json.dumps(value))) == value


@given(st.sampled_from(sorted(FIELDS)), st.text(max_size=12))
def test_any_text_is_a_lawful_value_or_an_error_that_names_it(key: str, text: str) -> None:
    try:
        settings_of(told={key: text}, environment={})
    except AgentError as error:
        assert key in str(error) or "a window holds a sample" in str(error)  # noqa: PT017 - either is right
