import shutil
from pathlib import Path

import pytest

from agent.pmu_sysfs import PERF_TYPE_RAW, core_pmu, has_hbm_boxes, read_boxes
from contracts.events import Pmu
from tests.unit.agent.machine_tree import Machine, build


def device(sys: Path, name: str) -> Path:
    return sys / "bus/event_source/devices" / name


def test_boxes_come_in_numeric_order_with_their_packages_cpus(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(boxes={"cha": 11}))
    boxes = read_boxes(roots.sys, Pmu.CHA).readable
    assert [box.name for box in boxes] == [f"uncore_cha_{number}" for number in range(11)]
    assert {box.cpus for box in boxes} == {(0, 2)}


def test_numbers_may_have_gaps_and_a_single_box_has_none(tmp_path: Path) -> None:
    machine = Machine(boxes={"imc": (16, 0, 3), "upi": 1}, unnumbered=frozenset({"upi"}))
    roots = build(tmp_path, machine)
    assert [box.name for box in read_boxes(roots.sys, Pmu.IMC).readable] == [
        "uncore_imc_0",
        "uncore_imc_3",
        "uncore_imc_16",
    ]
    assert [box.name for box in read_boxes(roots.sys, Pmu.UPI).readable] == ["uncore_upi"]


def test_unnamed_boxes_go_by_their_types_numbers(tmp_path: Path) -> None:
    machine = Machine(
        boxes={"cha": 2, "iio": 1, "cxlcm": (16, 2), "hbm": 2}, old_kernel=True, unnumbered=frozenset({"iio"})
    )
    roots = build(tmp_path, machine)
    assert [box.name for box in read_boxes(roots.sys, Pmu.CHA).readable] == ["uncore_type_0_0", "uncore_type_0_1"]
    assert [box.name for box in read_boxes(roots.sys, Pmu.IIO).readable] == ["uncore_type_1"]
    assert has_hbm_boxes(roots.sys)


def test_other_boxes_are_not_taken_for_those_wanted(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(boxes={"imc": 1, "m2m": 1, "hbm": 1, "cxldp": 1}))
    for name in ("uncore_imc_free_running_0", "uncore_imc_free_running", "uncore_iio_free_running_3", "uncore_m3upi_0"):
        shutil.copytree(device(roots.sys, "uncore_imc_0"), device(roots.sys, name))
    assert [box.name for box in read_boxes(roots.sys, Pmu.IMC).readable] == ["uncore_imc_0"]
    for pmu in (Pmu.CHA, Pmu.IIO, Pmu.UPI):
        assert read_boxes(roots.sys, pmu).readable == ()


def test_hbm_is_known_by_its_boxes(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(boxes={"imc": 2}))
    assert not has_hbm_boxes(roots.sys)
    assert has_hbm_boxes(build(tmp_path / "max", Machine(boxes={"hbm": 1})).sys)


@pytest.mark.parametrize(
    ("file", "content", "number", "reason"),
    [
        ("type", b"twelve", 22, "type holds no number: see the kernel log"),
        ("type", None, 2, "type can't be read: let the container see and read the host's sysfs"),
        ("cpumask", b"0-", 22, "cpumask: CPU list '0-'"),
        ("format/umask", None, 21, "format/umask can't be read"),
    ],
    ids=["no-number", "absent", "no-list", "a-directory"],
)
def test_a_box_that_is_not_described_is_told_apart(
    tmp_path: Path, file: str, content: bytes | None, number: int, reason: str
) -> None:
    roots = build(tmp_path, Machine(boxes={"imc": 3}))
    path = device(roots.sys, "uncore_imc_1") / file
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    elif file.startswith("format"):
        path.mkdir()
    boxes = read_boxes(roots.sys, Pmu.IMC)
    assert [box.name for box in boxes.readable] == ["uncore_imc_0", "uncore_imc_2"]
    (unreadable,) = boxes.unreadable
    assert (unreadable.name, unreadable.errno) == ("uncore_imc_1", number)
    assert reason in unreadable.reason


def test_a_box_says_what_the_kernel_calls_its_events(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(boxes={"imc": 1}, kernel_names=True))
    (box,) = read_boxes(roots.sys, Pmu.IMC).readable
    assert box.kernel_terms == {"cas_count_write": {"event": 0x05, "umask": 0xF0}, "clockticks": {"event": 1}}


def test_the_core_pmu_is_found_under_either_name_with_the_kernels_word_for_it(tmp_path: Path) -> None:
    machine = Machine(core_pmu_name="cpu_core", kernel_names=True, pmu_name="sapphire_rapids")
    node = core_pmu(build(tmp_path, machine).sys)
    assert (node.name, node.type, node.kernel_table) == ("cpu_core", 4, "sapphire_rapids")
    assert node.kernel_terms["slots"] == {"umask": 4}


def test_garbage_in_the_core_pmu_falls_back_on_the_architecture(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(kernel_names=True))
    cpu = device(roots.sys, "cpu")
    (cpu / "type").write_text("core")
    (cpu / "events/slots").write_text("event=?")
    shutil.rmtree(cpu / "format")
    node = core_pmu(roots.sys)
    assert node.type == PERF_TYPE_RAW
    assert node.formats["umask"] == "config:8-15"
    assert "slots" not in node.kernel_terms


def test_a_core_pmu_that_is_listed_and_hidden_is_an_error_of_the_system(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine())
    (device(roots.sys, "cpu") / "type").unlink()
    with pytest.raises(FileNotFoundError, match="cpu/type"):
        core_pmu(roots.sys)
