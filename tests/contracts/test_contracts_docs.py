"""Promises about the pages: they follow the code, their links lead somewhere, their examples run."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import types
from pathlib import Path
from typing import Any

import click
import pytest

import evenfield
from evenfield.cli.app import COMMANDS, cli
from evenfield.model.catalogue import CATALOGUE
from evenfield.model.frame import KEY_WORDS
from evenfield.simulate import osc_night, simulate_messy_night, simulate_night

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

if not (ROOT / "docs" / "generate.py").exists():
    pytest.skip("the pages are not here: this is not a whole source tree", allow_module_level=True)


@pytest.fixture(scope="module")
def generator() -> types.ModuleType:
    """The script that makes pages from the code."""
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds a small night called NIGHT."""
    folder = tmp_path_factory.mktemp("examples")
    simulate_night(folder / "NIGHT", recipe=osc_night())
    return folder


@pytest.mark.parametrize("name", ["findings.md", "settings.md", "commands.md"])
def test_pages_follow_the_code(generator: Any, name: str) -> None:
    """What is made from the code is what the code says now; 'make docs' makes it anew."""
    path = ROOT / "docs" / name
    assert path.read_text(encoding="utf-8") == generator.pages()[path]


def test_every_command_and_option_is_on_its_page() -> None:
    """The page of commands has a table for each command, and thus every option."""
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        table = re.search(rf"<!-- options of {name} -->(.*?)<!-- end -->", text, re.DOTALL)
        assert table is not None, name
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        options = [text for param in command.params if isinstance(param, click.Option) for text in param.opts]
        assert [option for option in options if option not in table.group(1)] == []


def test_every_code_of_a_file_is_on_its_page(generator: Any, tmp_path: Path) -> None:
    """Each code in the list of files is one of a finding or one that the page of findings names."""
    differing = {f"{key}_differs" for key in KEY_WORDS}
    simulate_messy_night(tmp_path / "night")
    survey = evenfield.survey_folders([tmp_path / "night"])
    plan = evenfield.make_plan(survey, output=str(tmp_path / "masters"))
    codes = {"KEY_differs" if use.code in differing else use.code for use in plan.files}
    assert len(codes) > 4
    assert codes <= {*CATALOGUE, *generator.FILE_CODES}


def test_every_public_function_is_on_its_page() -> None:
    """The page about Python names every public function."""
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    functions = [name for name in evenfield.__all__ if isinstance(getattr(evenfield, name), types.FunctionType)]
    assert [name for name in functions if f"`{name}(" not in text and f"`{name}`" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=[path.relative_to(ROOT).as_posix() for path in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file of the project, and a heading of it where it names one."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


def anchors(path: Path) -> set[str]:
    """The anchors that the headings of a page have."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", ["README.md", "docs/python.md"])
def test_examples_run(name: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Python example of a page runs as it stands, in a folder with a night called NIGHT."""
    monkeypatch.chdir(workplace)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            exec(compile(block, name, "exec"), {})
        assert shown.getvalue().strip()


def test_the_ten_lines_are_ten() -> None:
    """The README's example is as short as its heading says."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"## Ten lines make a master flat from Python\n+```python\n(.*?)```", text, re.DOTALL)
    assert block is not None
    assert len([line for line in block.group(1).splitlines() if line.strip()]) == 10


def test_the_printed_night_is_real() -> None:
    """The README shows the text that the messy night gives, but for its seconds."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    golden = (ROOT / "tests" / "cli" / "golden" / "messy.txt").read_text(encoding="utf-8")
    assert golden.rstrip("\n") in re.sub(r"made in \d+\.\d s", "made in S.S s", text)


def test_pictures_are_small() -> None:
    """All pictures of frames together stay below 300 kB, the window below 1.5 MB, the report below 250 kB."""
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs" / "images").iterdir()}
    window = sum(size for name, size in sizes.items() if name.startswith("window-"))
    report = sizes["report.png"]
    assert sum(sizes.values()) - window - report < 300_000
    assert report < 250_000
    assert window < 1_500_000
