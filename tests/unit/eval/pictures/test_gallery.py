from pathlib import Path

import pytest

from eval.pictures.errors import PictureError
from eval.pictures.gallery import write_pictures


def test_a_directory_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PictureError, match=r"file/pictures can't hold the pictures: .*; name a writable directory"):
        write_pictures(tmp_path / "file" / "pictures", progress=lambda doing, done: None)
