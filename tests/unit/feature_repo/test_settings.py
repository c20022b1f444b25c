import os
import string

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.errors import StoreError
from feature_repo.settings import (
    CONNECTION_PATIENCE,
    DATABASE,
    HOST,
    PASSWORD,
    PORT,
    REDIS,
    REDIS_PASSWORD,
    SETTINGS,
    SSL_MODE,
    USER,
    VARIABLES,
    Profile,
    refuse_incomplete,
)

CLUSTER = SETTINGS[Profile.CLUSTER]
ENVIRONMENT = {
    HOST: "postgres",
    PORT: "5432",
    DATABASE: "leeward",
    USER: "feast",
    PASSWORD: "secret",
    SSL_MODE: "verify-full",
    REDIS: "redis:6379,ssl=true",
    REDIS_PASSWORD: "",
}


def test_an_environment_with_all_variables_is_taken() -> None:
    assert ENVIRONMENT.keys() == VARIABLES.keys()
    refuse_incomplete(CLUSTER, ENVIRONMENT)


def test_settings_that_name_no_variable_need_none() -> None:
    refuse_incomplete(SETTINGS[Profile.LOCAL], {})


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_that_is_not_set_is_named(name: str) -> None:
    without = {each: value for each, value in ENVIRONMENT.items() if each != name}
    with pytest.raises(StoreError, match=rf"lacks settings: set {name} \("):
        refuse_incomplete(CLUSTER, without)


@pytest.mark.parametrize(
    ("name", "value"), [(PORT, "postgres"), (PORT, ""), (PASSWORD, "it's"), (REDIS_PASSWORD, "a,b")]
)
def test_a_value_that_would_not_arrive_is_refused_without_being_shown(name: str, value: str) -> None:
    with pytest.raises(StoreError, match=name) as refusal:
        refuse_incomplete(CLUSTER, ENVIRONMENT | {name: value})
    for secret in ("it's", "lines", "a,b"):
        assert secret not in str(refusal.value)


@given(st.text(string.printable + "äµ\x85\u2028", max_size=30))
def test_a_password_arrives_as_it_is_or_is_refused(password: str) -> None:
    environment = ENVIRONMENT | {PASSWORD: password}
    try:
        refuse_incomplete(CLUSTER, environment)
    except StoreError:
        return
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        settings = yaml.safe_load(os.path.expandvars(CLUSTER))  # as Feast reads it
    assert settings["offline_store"]["password"] == password
    assert settings["registry"]["sqlalchemy_config_kwargs"]["connect_args"]["password"] == password


def test_registry_and_history_have_the_same_patience_with_postgres() -> None:
    registry = yaml.safe_load(CLUSTER.replace("${", "$"))["registry"]
    assert registry["sqlalchemy_config_kwargs"]["connect_args"].items() >= CONNECTION_PATIENCE.items()


def test_no_secret_stands_in_the_settings() -> None:
    assert [line for line in CLUSTER.splitlines() if "password" in line and "${" not in line] == []
