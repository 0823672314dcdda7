"""Promises about settings, options and the codes of findings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import evenfield
from evenfield.cli.app import COMMANDS, cli
from evenfield.cli.options import settings_of
from evenfield.model.catalogue import CATALOGUE
from evenfield.model.settings import SettingField, Settings, setting_fields

SOURCE = Path(evenfield.__file__).parent
FIELDS = list(setting_fields())


def command_of(name: str) -> click.Command:
    """A command of the command line."""
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def options_of(command: click.Command) -> set[str]:
    """Every option of a command, both forms of a switch."""
    return {text for param in command.params for text in (*param.opts, *param.secondary_opts)}


def each_field() -> pytest.MarkDecorator:
    """Parametrize a test over the settings."""
    return pytest.mark.parametrize("field", FIELDS, ids=[f"{one.part}.{one.name}" for one in FIELDS])


@pytest.mark.parametrize("command", ["flats", "masters", "calibrate", "plan"])
@each_field()
def test_every_setting_has_its_option(command: str, field: SettingField) -> None:
    """The option that a setting names for itself exists in every command that takes settings."""
    assert set(re.findall(r"--[\w-]+", field.option)) <= options_of(command_of(command))


OTHER = {
    "select.recursive": ["--no-recursive"],
    "select.overrides": ["--set", "*:kind=flat"],
    "select.exclude": ["--exclude", "bad*"],
    "select.without": ["--without", "master_flat_Ha"],
    "calibration.use": ["--use", "master_flat_Ha=dark*"],
    "output.names": ["--rename", "master_flat_Ha=flat"],
    "select.ignore_type": ["--ignore-type"],
    "select.calibration_recursive": ["--calibration-no-recursive"],
    "group.by": ["--group-by", "filter"],
    "group.join": ["--join", "night"],
    "group.split": ["--split", "temperature"],
    "group.temperature_width": ["--temperature-width", "2"],
    "group.min_group": ["--min-group", "3"],
    "group.no_grouping": ["--no-grouping"],
    "calibration.mode": ["--no-precalibration"],
    "calibration.bias": ["--bias", "64*offset_setting"],
    "calibration.files": ["--calibrate-with", __file__],
    "calibration.pedestal_adu": ["--pedestal", "100"],
    "calibration.kinds": ["--calibration-kinds", "bias"],
    "calibration.dark_scale": ["--dark-scale", "none"],
    "calibration.overscan_fit": ["--overscan-fit", "rows"],
    "calibration.overscan": ["--overscan", "[1:10,*]"],
    "calibration.trim": ["--trim", "header"],
    "calibration.allow_mismatch": ["--allow-mismatch", "temperature:5"],
    "combine.method": ["--combine", "median"],
    "combine.rejection": ["--reject", "sigma:2,2"],
    "combine.limits": ["--limits", "nominal"],
    "combine.weights": ["--weights", "level"],
    "output.maps": ["--maps"],
    "examine.after": ["--no-examine"],
    "examine.lights": ["--examine-lights", "3"],
    "examine.limits": ["--verdict-limit", "drift:0.1"],
    "light.cfa_flat": ["--cfa-flat", "joint"],
    "output.target": ["--for", "pixinsight"],
    "output.compress": ["--compress"],
    "select.library": ["--library", "masters"],
    "calibration.max_age": ["--max-age", "dark:90"],
    "light.add_pedestal": ["--add-pedestal", "auto:0.001"],
    "run.fresh": ["--fresh"],
    "combine.dark_method": ["--dark-combine", "mean"],
    "combine.dark_rejection": ["--dark-reject", "none"],
    "combine.scale": ["--scale", "median"],
    "combine.level": ["--level", "mean"],
    "combine.per_cfa": ["--per-cfa"],
    "combine.keep_bad_frames": ["--keep-bad-frames"],
    "output.sample": ["--output-type", "uint16"],
    "output.tiff": ["--tiff", "16"],
    "output.name": ["--name", "flat_{filter}"],
    "output.overwrite": ["--overwrite"],
    "output.hash": ["--hash", "sha256"],
    "output.report": ["--no-report"],
    "output.move_inputs": ["--move-inputs", "done"],
    "run.memory_bytes": ["--memory", "2GiB"],
    "run.threads": ["--threads", "3"],
    "run.strict": ["--strict"],
}
"""For each setting, arguments that give it another value than its default."""


@each_field()
def test_an_option_changes_its_setting(field: SettingField) -> None:
    """Each setting takes the value of its option, and no other part of the settings changes with it."""
    arguments = ["PATH", "--no-preferences", *OTHER[f"{field.part}.{field.name}"]]
    values: dict[str, Any] = dict(command_of("flats").make_context("flats", arguments).params)
    for name in ("paths", "output", "calibration", "dry_run", "as_json", "quiet", "verbose"):
        values.pop(name)
    settings = settings_of(values)
    assert getattr(getattr(settings, field.part), field.name) != field.default
    others = [part for part in Settings.__struct_fields__ if part != field.part]
    assert all(getattr(settings, part) == getattr(Settings(), part) for part in others)


def test_every_command_has_a_line_of_help() -> None:
    """The list of commands and the commands themselves are the same."""
    assert all(command_of(name).help for name in COMMANDS)


def test_every_option_is_explained() -> None:
    """Every option of every command says what it does."""
    params = [(name, param) for name in COMMANDS for param in command_of(name).params]
    silent = [f"{name} {param.opts[0]}" for name, param in params if isinstance(param, click.Option) and not param.help]
    assert silent == []


def calls(path: Path) -> Iterator[ast.Call]:
    """Every call in a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node


def texts(node: ast.expr) -> list[str]:
    """The texts that an expression may be, as far as it shows them."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.IfExp):
        return texts(node.body) + texts(node.orelse)
    return []


def codes_in_source() -> dict[str, str]:
    """Every code that the source gives to a finding, an error or a file, with the module that does."""
    found: dict[str, str] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        where = path.relative_to(SOURCE).as_posix()
        if where == "model/catalogue.py":
            continue
        for call in calls(path):
            name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            if name == "finding" and call.args:
                found.update(dict.fromkeys(texts(call.args[0]), where))
            for keyword in call.keywords:
                if keyword.arg == "code":
                    found.update(dict.fromkeys(texts(keyword.value), where))
    return found


FILE_USES = {"used", "spare", "not_planned", "not_made"}
"""Codes of files that nothing is wrong with: they say what became of them and are no findings."""


def test_every_code_is_in_the_catalogue() -> None:
    """A user can look up every code that the program can say."""
    unknown = {code: where for code, where in codes_in_source().items() if code not in CATALOGUE}
    assert {code: where for code, where in unknown.items() if code not in FILE_USES} == {}


def test_every_code_of_the_catalogue_is_said_somewhere() -> None:
    """The catalogue does not promise findings that the program never makes."""
    said: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        if path.name == "catalogue.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        said |= {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
    assert sorted(set(CATALOGUE) - said) == []


def test_no_code_stands_twice_in_the_catalogue() -> None:
    """Each code has one meaning."""
    tree = ast.parse((SOURCE / "model" / "catalogue.py").read_text(encoding="utf-8"))
    entries = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_entry"
    ]
    codes = [code for entry in entries for code in texts(entry.args[0])]
    assert sorted({code for code in codes if codes.count(code) > 1}) == []
