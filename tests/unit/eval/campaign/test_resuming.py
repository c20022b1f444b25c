"""A campaign that is killed again and again ends as one that ran in one go; the default one is what it always was."""

import contextlib
import hashlib
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contracts.axis import Axis
from contracts.canonical import canonical_json
from contracts.trace import LabelledTrace
from eval.campaign import Campaign, CampaignSettings, run_campaign, run_into
from eval.campaign.plan import Kind, plan_of
from eval.testbed.cluster import simulated_nodes

OF_EVERY_AXIS = CampaignSettings(workloads=("upf-small", "batch"), intensities=(1.0,), mixes=16)
ITS_DIGEST = "0c45242e0f49e98d0bb2ebba7bd2becd2fae749b98bc2521ae732f71911e44b1"
"""As it was measured when the published figures were."""

KILLS = 20
FORKING = """
import os, sys
from pathlib import Path
import pandas  # which pyarrow imports at first use
from contracts.axis import Axis
from eval.campaign import CampaignSettings, run_into
settings = CampaignSettings(
    name="killed", workloads=("upf-small", "amf"), axes=(Axis.LLC, Axis.SMT), intensities=(1.0,), mixes=32
)
for line in sys.stdin:
    if not (child := os.fork()):
        run_into(Path(line.strip()), settings)
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Imports once, and runs the campaign in a process of its own for each directory that it is told."""


def rounded(value: object) -> object:
    """Numbers to five digits, so that another processor's last bits make no other digest."""
    match value:
        case float():
            return float(f"{value:.5g}")
        case dict():
            return {key: rounded(entry) for key, entry in value.items()}
        case list() | tuple():
            return [rounded(entry) for entry in value]
    return value


def without_profile_digests(row: LabelledTrace) -> object:
    """A row without what is made of every last bit of a profile."""
    return row.model_dump(mode="json", exclude={"victim": {"profile"}, "co_runners": {"__all__": {"profile"}}})


def digest_of(campaign: Campaign) -> str:
    """Over rows as they stand, profiles as they stand, and vectors in the order of nodes, domains and time."""
    documents: Iterable[object] = (
        *(without_profile_digests(row) for row in campaign.rows),
        *(profile.model_dump(mode="json") for profile in campaign.profiles),
        *(
            [node, domain, start, [None if np.isnan(value) else value for value in values]]
            for node, domain, start, values in sorted(
                (v.node, v.domain, v.window_start_ns, v.values.tolist()) for v in campaign.vectors
            )
        ),
    )
    content = b"\n".join(canonical_json(rounded(document)) for document in documents)
    return hashlib.sha256(content).hexdigest()


def files_in(directory: Path) -> dict[str, bytes]:
    return {str(file.relative_to(directory)): file.read_bytes() for file in directory.rglob("*") if file.is_file()}


def test_a_campaign_is_what_it_always_was() -> None:
    assert digest_of(run_campaign(OF_EVERY_AXIS)) == ITS_DIGEST


def killed_after(forking: "subprocess.Popen[bytes]", directory: Path, seconds: float) -> bool:
    """Run the campaign, and kill it after so many seconds unless it has ended; whether it was killed."""
    assert forking.stdin is not None
    assert forking.stdout is not None
    forking.stdin.write(f"{directory}\n".encode())
    child = int(forking.stdout.readline())
    ended, _, _ = select.select([forking.stdout], [], [], seconds)
    if not ended:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    status = int(forking.stdout.readline())
    assert status in {0, -signal.SIGKILL}
    return status != 0


@pytest.mark.slow
def test_twenty_times_killed_it_ends_as_if_never_killed(tmp_path: Path) -> None:
    moments = random.Random(1)
    kills, campaigns, went_on = 0, 0, 0
    with subprocess.Popen(
        [sys.executable, "-c", FORKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as forking:
        killed_after(forking, tmp_path / "warm", 0.0)
        began = time.monotonic()
        assert not killed_after(forking, tmp_path / "at-once", 300.0)
        seconds = time.monotonic() - began
        expected = files_in(tmp_path / "at-once")
        while kills < KILLS:
            directory = tmp_path / f"killed-{campaigns}"
            went_on += bool(list(directory.rglob("part-*.parquet")))
            if killed_after(forking, directory, moments.uniform(0.0, 0.7 * seconds)):
                kills += 1
            else:
                assert files_in(directory) == expected
                campaigns += 1
        assert not killed_after(forking, directory, 300.0)
        assert files_in(directory) == expected
    assert went_on > 0


def test_what_is_kept_in_parts_is_what_a_campaign_in_memory_measures(tmp_path: Path) -> None:
    settings = CampaignSettings(
        name="both",
        workloads=("amf", "batch"),
        axes=(Axis.MEMBW,),
        intensities=(1.0,),
        mixes=6,
        nodes=4,
        clocks=(0.8, 1.2),
    )
    in_memory = run_campaign(settings)
    kept = run_into(tmp_path, settings)
    rows = [row for number in range(1 + 2 * 2 * settings.nodes) for row in kept.rows(number)]
    assert rows == list(in_memory.rows)
    assert list(kept.profiles()) == list(in_memory.profiles)


def test_progress_goes_on_where_the_run_before_stopped(tmp_path: Path) -> None:
    settings = CampaignSettings(
        name="told", workloads=("amf", "batch"), axes=(Axis.MEMBW,), intensities=(1.0,), mixes=6, nodes=4
    )
    kept = run_into(tmp_path, settings)
    units = plan_of(settings, simulated_nodes(seed=settings.seed, count=settings.nodes)).units
    for unit in units:
        if unit.kind is Kind.MIXES:
            (kept.path / f"part-{unit.number:04d}.parquet").unlink()
    told: list[tuple[str, float]] = []
    run_into(tmp_path, settings, progress=lambda doing, done: told.append((doing, done)))
    assert not any("profile run" in doing for doing, _ in told)
    assert told[0][1] > 0.5
    assert told[-1] == ("campaign done", 1.0)
    assert any(doing.endswith(" rows/s") for doing, _ in told)


def test_clocks_are_swept_over_the_same_contention() -> None:
    clocks = (0.8, 1.25)
    one = CampaignSettings(
        workloads=("upf-small", "amf", "batch"), axes=(Axis.LLC, Axis.SMT), intensities=(1.0,), mixes=12, nodes=8
    )
    swept, once = run_campaign(replace(one, clocks=clocks)), run_campaign(one)
    slow, fast = swept.rows[: len(once.rows)], swept.rows[len(once.rows) :]
    assert len(fast) == len(slow) == len(once.rows)
    for at_one, at_other, at_own in zip(slow, fast, once.rows, strict=True):
        ran = [
            (row.node, row.domain, row.victim.key, row.injected, row.victim_arrived_last) for row in (at_one, at_other)
        ]
        assert ran[0] == ran[1]
        assert at_other.slowdown == pytest.approx(at_one.slowdown, rel=0.2)
        assert at_one.together == at_own.together
    starts = [{(row.node, row.domain, row.window_start_ns) for row in rows} for rows in (slow, fast)]
    assert starts[0].isdisjoint(starts[1])
    vectors = [(v.node, v.domain, v.window_start_ns) for v in swept.vectors]
    assert len(set(vectors)) == len(vectors)
