"""The agent's settings from where people say them: command line, environment, a file in TOML; in that order.

What none of them says keeps its default. What one of them says and can't be followed is refused, with its place.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent.errors import AgentError
from agent.settings import AgentSettings
from agent.settings_field import SettingField, UnlawfulError, setting_fields

PREFIX = "LEEWARD_AGENT_"
CONFIG = f"{PREFIX}CONFIG"
"""Environment variable that names the settings file."""
NODE_NAME = "NODE_NAME"
"""Environment variable that the manifests set from the pod's ``spec.nodeName``."""

_SERVICE_LINK = re.compile(r"SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_(TCP|UDP|SCTP)(_.*)?)?")
"""What the kubelet puts into every container of a namespace with a Service ``leeward-agent``, after ``PREFIX``."""
_TABLE = re.compile(r"\s*\[\s*(?P<name>[\w.\s-]+?)\s*\]")
_ENTRY = re.compile(r"\s*(?P<key>[\w.-]+)\s*=")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What one place says of one setting."""

    key: str
    place: str
    value: object
    is_text: bool

    def value_of(self, field: SettingField) -> object:
        return field.from_text(str(self.value)) if self.is_text else field.from_toml(self.value)


def variable_of(key: str) -> str:
    """The environment variable of a setting.

    >>> variable_of("roots.sys")
    'LEEWARD_AGENT_ROOTS_SYS'
    """
    return PREFIX + key.upper().replace(".", "_")


def settings_of(
    *,
    told: Mapping[str, object] | None = None,
    config: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    defaults: AgentSettings | None = None,
) -> AgentSettings:
    """Settings from a command line, the environment and a file; the earlier of these has its way.

    Args:
        told: what a command line said by key (``roots.sys``), as text or as what reads as the same text; ``None`` and
            empty text say nothing.
        config: the settings file, in TOML; where absent the one that ``LEEWARD_AGENT_CONFIG`` names, if it does.
        environment: of the process; empty variables say nothing.
        defaults: what holds where nobody says anything.

    Raises:
        AgentError: a key is unknown, a value unlawful, the file unreadable or no TOML.
    """
    named = config or (Path(environment[CONFIG]) if environment.get(CONFIG) else None)
    values: dict[str, object] = {}
    fields = setting_fields(AgentSettings)
    for said in (*_of_file(named), *_of_environment(environment), *_of_command_line(told or {})):
        if said.key not in fields:
            raise AgentError(f"{said.place}: there is no setting {said.key}{_resembling(said.key, fields)}")
        try:
            values[said.key] = said.value_of(fields[said.key])
        except UnlawfulError as error:
            raise AgentError(f"{said.place}: {said.key} is {said.value!r}: say {error}") from error
    return _with(defaults or AgentSettings(), values)


def _of_command_line(told: Mapping[str, object]) -> Iterator[_Said]:
    for key, value in told.items():
        if value is not None and str(value):
            yield _Said(key=key, value=str(value), is_text=True, place="command line")


def _of_environment(environment: Mapping[str, str]) -> Iterator[_Said]:
    if environment.get(NODE_NAME):
        yield _Said(key="node", value=environment[NODE_NAME], is_text=True, place=f"environment variable {NODE_NAME}")
    keys = {variable_of(key): key for key in setting_fields(AgentSettings)}
    for variable, text in environment.items():
        rest = variable.removeprefix(PREFIX)
        if not text or variable in {rest, CONFIG} or _SERVICE_LINK.fullmatch(rest):
            continue
        key = keys.get(variable, rest.lower())
        yield _Said(key=key, value=text, is_text=True, place=f"environment variable {variable}")


def _of_file(path: Path | None) -> Iterator[_Said]:
    if path is None:
        return
    try:
        text = path.read_bytes().decode()
        content = tomllib.loads(text)
    except OSError as error:
        raise AgentError(f"settings file {path} can't be read: {error.strerror}; correct its name or mode") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AgentError(f"settings file {path} is no TOML: {error}") from error
    lines = _lines(text)
    for key, value in _flat(content):
        place = f"{path}:{lines[key]}" if key in lines else str(path)
        yield _Said(key=key, value=value, is_text=False, place=place)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _lines(text: str) -> dict[str, int]:
    """Line numbers by key, of the plain forms ``key = …`` below ``[table]``: the parser keeps none."""
    found: dict[str, int] = {}
    prefix = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if table := _TABLE.match(line):
            prefix = f"{table['name']}."
        elif entry := _ENTRY.match(line):
            found.setdefault(prefix + entry["key"], number)
    return found


def _resembling(key: str, known: Mapping[str, SettingField]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - needed once, before the agent ends

    close = get_close_matches(key, known, n=1)
    return f"; is {close[0]} meant?" if close else "; docs/agent-settings.md lists them"


def _with(settings: AgentSettings, values: Mapping[str, object]) -> AgentSettings:
    """The settings with some replaced, those of the roots by their dotted keys."""
    own: dict[str, Any] = {key: value for key, value in values.items() if "." not in key}
    roots: dict[str, Any] = {key.partition(".")[2]: value for key, value in values.items() if key.startswith("roots.")}
    return replace(settings, roots=replace(settings.roots, **roots), **own)
