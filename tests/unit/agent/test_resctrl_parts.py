import shutil
from pathlib import Path

from agent.sources.resctrl_parts import GroupParts


def test_a_group_that_lost_a_part_has_another_number(tmp_path: Path) -> None:
    parts = GroupParts()
    (tmp_path / "mon_groups/pod").mkdir(parents=True)
    assert parts.numbers({"group": tmp_path}) == {"group": 0}
    (tmp_path / "mon_groups/other").mkdir()
    assert parts.numbers({"group": tmp_path}) == {"group": 0}
    shutil.rmtree(tmp_path / "mon_groups/pod")
    assert [parts.numbers({"group": tmp_path}) for _ in range(2)] == [{"group": 1}] * 2


def test_groups_that_went_are_forgotten(tmp_path: Path) -> None:
    """Somebody may make one for each pod that ever comes, under a name of its own."""
    parts = GroupParts()
    (tmp_path / "mon_groups/pod").mkdir(parents=True)
    parts.numbers({"group": tmp_path, "other": tmp_path})
    shutil.rmtree(tmp_path / "mon_groups")
    assert parts.numbers({"other": tmp_path}) == {"other": 1}
    assert parts.numbers({"group": tmp_path, "other": tmp_path}) == {"group": 0, "other": 1}
