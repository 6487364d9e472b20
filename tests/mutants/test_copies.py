"""Copies of the repository: what is in them, and that processes import what is in them."""

import os

import pytest

from ..node_ids import ROOT
from . import copies
from .copies import NotTheCopy, copy_of_the_repository, require_imported


def test_a_copy_has_the_working_trees_files_and_its_modules_are_those_that_processes_import():
    with copy_of_the_repository() as copy:
        for name in ("pyproject.toml", "dbt/dbt_project.yml", "simulator/scenarios/original.toml"):
            assert (copy / name).read_bytes() == (ROOT / name).read_bytes()
        assert not (copy / ".venv").exists()
        require_imported(copy)
    assert not copy.exists()


def test_modules_of_the_installation_are_not_taken_for_those_of_a_copy(monkeypatch):
    monkeypatch.setattr(copies, "environment_of", lambda copy: dict(os.environ))
    with copy_of_the_repository() as copy, pytest.raises(NotTheCopy, match=f"{ROOT}/simulator/__init__.py"):
        require_imported(copy)
