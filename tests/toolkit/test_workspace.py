"""Runs can be resumed, are never mixed, and never destroy what they did not make."""

import pytest

from litesmith.errors import OutputError
from litesmith.workspace import LOCK_FILE, open_workspace


def open_new(root):
    return open_workspace(root, resume=False, overwrite=False)


def finished_stage(root, content=b"weights"):
    with open_new(root) as workspace:
        (root / LOCK_FILE).write_text("")
        (workspace.clear("student") / "weights.npz").write_bytes(content)
        workspace.finish("student", "key", {"row": 1})
    return workspace


def test_a_finished_stage_is_found_again(tmp_path):
    assert finished_stage(tmp_path / "run").finished("student", "key") == {"row": 1}


def test_other_inputs_mean_another_stage(tmp_path):
    assert finished_stage(tmp_path / "run").finished("student", "other") is None


def test_a_changed_file_means_the_stage_runs_again(tmp_path):
    workspace = finished_stage(tmp_path / "run")
    (workspace.stage("student") / "weights.npz").write_bytes(b"edited")
    assert workspace.finished("student", "key") is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"key": "key"}', b'{"key": "key", "files": {}}'])
def test_a_damaged_marker_means_the_stage_runs_again(tmp_path, damage):
    workspace = finished_stage(tmp_path / "run")
    (workspace.stage("student") / "done.json").write_bytes(damage)
    assert workspace.finished("student", "key") is None


def test_a_second_run_needs_to_say_what_it_wants(tmp_path):
    finished_stage(tmp_path / "run")
    with pytest.raises(OutputError, match="--resume"), open_new(tmp_path / "run"):
        pass


def test_overwrite_removes_the_run_and_nothing_else(tmp_path):
    finished_stage(tmp_path / "run")
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with open_workspace(tmp_path / "run", resume=False, overwrite=True) as workspace:
        workspace.wipe()
        assert [path.name for path in workspace.root.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_folder_of_somebody_else_is_left_alone(tmp_path, overwrite):
    (tmp_path / "thesis.txt").write_text("years of work")
    with (
        pytest.raises(OutputError, match="is no run's"),
        open_workspace(tmp_path, resume=not overwrite, overwrite=overwrite),
    ):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_two_runs_do_not_share_a_folder(tmp_path):
    with (
        open_new(tmp_path / "run"),
        pytest.raises(OutputError, match="another run"),
        open_workspace(tmp_path / "run", resume=True, overwrite=False),
    ):
        pass


def test_out_may_not_be_a_file(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(OutputError, match="is a file"), open_new(tmp_path / "run"):
        pass
