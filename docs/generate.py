"""Makes the pages that follow from the code: ``python docs/generate.py``.

``findings.md`` and ``settings.md`` are made whole; in ``commands.md``, ``window.md`` and ``verdicts.md`` the tables
between the marks are made anew and the text around them stays. ``--check`` writes nothing and fails where a page is not
what it should be.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from evenfield.cli.app import COMMANDS, cli
from evenfield.gui.actions import COMMANDS as WINDOW_COMMANDS
from evenfield.model.catalogue import CATALOGUE, CodeEntry
from evenfield.model.rejections import rejection_text
from evenfield.model.report import Verdict
from evenfield.model.settings import SettingField, Settings, setting_fields
from evenfield.model.verdict_limits import VERDICT_LIMITS

DOCS = Path(__file__).parent

MADE = "<!-- Made by docs/generate.py: change the code, then 'make docs'. -->"

FILE_CODES = {
    "used": "the file went into a product, or is subtracted from one; `steps` names which",
    "spare": "a calibration frame that no flat needed",
    "light": "a light, of which `flats` and `masters` have no use",
    "master_flat": "a finished master flat, which is not combined again",
    "flat_in_calibration": "a flat in a `--calibration` folder; flats are taken from the given paths only",
    "not_planned": "nothing could be planned, so the flat was not used",
    "not_made": "its master was not made",
    "KEY_differs": "a calibration frame of another setup, such as `gain_setting_differs`; the reason gives both values",
}
"""Codes in the list of files that are no findings."""

VERDICTS = {
    Verdict.WORKS: "Every check passed, and no finding of the rows above was made.",
    Verdict.CHECK: "It can be used, but one of these should be looked at first.",
    Verdict.WILL_NOT_WORK: "Calibrating with it would spoil the lights.",
    Verdict.CANNOT_TELL: "What decides could not be examined.",
}


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` compare them."""
    stale = [path.name for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        print("\n".join(f"docs/{name} is not what the code says; run 'make docs'" for name in stale))
        return 1 if stale else 0
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    return 0


def pages() -> dict[Path, str]:
    """Every page by its path."""
    commands = DOCS / "commands.md"
    return {
        DOCS / "findings.md": findings_page(),
        DOCS / "window.md": with_keys((DOCS / "window.md").read_text("utf-8")),
        DOCS / "settings.md": settings_page(),
        commands: with_tables(commands.read_text("utf-8")),
        DOCS / "verdicts.md": with_limits((DOCS / "verdicts.md").read_text("utf-8")),
    }


def with_limits(text: str) -> str:
    """The page of verdicts with the limits as the code has them."""
    lines = ["| limit | default | |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {one.default:g}{f' {one.unit}' if one.unit else ''} | {cell(one.meaning)} |"
        for name, one in VERDICT_LIMITS.items()
    ]
    block = "\n".join(lines)
    return re.sub(
        r"(<!-- limits -->\n\n).*?(\n\n<!-- end -->)", lambda found: found[1] + block + found[2], text, flags=re.DOTALL
    )


def cell(text: str) -> str:
    """A text as it may stand in a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def settings_page() -> str:
    """The page of all settings."""
    lines = [
        "# Settings",
        "",
        MADE,
        "",
        "Each setting has one name in three places: an option of the command line, a key of the preferences file,",
        "and a field of `evenfield.Settings` in Python. Options win over the preferences file, and that wins over the",
        "default. A plan stores every setting with its value, so it gives the same result whatever the preferences",
        "say later.",
        "",
        "The preferences file is TOML. It is the file that the environment variable `EVENFIELD_CONFIG` names, else",
        "`settings.toml` in the place that the system keeps for settings: `~/.config/evenfield/` on Linux,",
        "`~/Library/Application Support/evenfield/` on macOS, `%LOCALAPPDATA%\\evenfield\\evenfield\\` on Windows.",
        "`--no-preferences` ignores it. A key that does not exist is an error, not ignored. For example:",
        "",
        "```toml",
        "[combine]",
        'rejection = "winsorized:3,3"',
        "",
        "[run]",
        "threads = 4",
        "```",
    ]
    part = ""
    for field in setting_fields():
        if field.part != part:
            part = field.part
            title = type(getattr(Settings(), part)).__doc__ or ""
            lines += [
                "",
                f"## `[{part}]`",
                "",
                title.splitlines()[0],
                "",
                "| key | option | default | |",
                "|---|---|---|---|",
            ]
        options = ", ".join(f"`{option}`" for option in field.option.split(", "))
        lines.append(f"| `{field.name}` | {options} | {default_text(field)} | {cell(field.description)} |")
    lines += [
        "",
        "`--no-precalibration`, `--pedestal` and `--calibrate-with` each choose the `mode`; `--auto-precalibration`",
        'brings back "auto" where the preferences say otherwise. Rejections are explained in',
        "[rejections.md](rejections.md), groups and matches in [matching.md](matching.md).",
        "",
    ]
    return "\n".join(lines)


def default_text(field: SettingField) -> str:
    """The default of a setting as it would be written."""
    value = field.default
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return f"`{','.join(value)}`" if value else "none"
    if isinstance(value, int | float | str):
        return f"`{value}`"
    return f"`{rejection_text(value)}`"


def findings_page() -> str:
    """The page of all codes, and the table of verdicts."""
    lines = [
        "# Findings and verdicts",
        "",
        MADE,
        "",
        "A finding is one thing that deserves attention. It has a level (NOTE: good to know; WARNING: look at it;",
        "BLOCKER: something was not made), a code, a message with the number that decided, one sentence of what to do",
        "(`mend`), and, where arguments can carry that out, the arguments to paste (`fix`). `evenfield explain CODE`",
        "prints the entry of a code.",
        "",
        "## Verdicts",
        "",
        "Each master has a verdict, with a sentence of why. It is the worst that its findings leave, from the top of",
        "this table to its bottom:",
        "",
        "| verdict | meaning | findings that leave it at best |",
        "|---|---|---|",
    ]
    for verdict in (Verdict.WILL_NOT_WORK, Verdict.CHECK, Verdict.CANNOT_TELL, Verdict.WORKS):
        codes = [f"[`{entry.code}`](#{entry.code})" for entry in CATALOGUE.values() if entry.verdict is verdict]
        lines.append(f"| **{verdict.value}** | {VERDICTS[verdict]} | {', '.join(codes) or 'none of these'} |")
    lines += [
        "",
        "## Codes of files",
        "",
        "The list of files in the report gives each file a use (`used`, `not_needed`, `left_out`, `unreadable`), a",
        "code and a reason. The code is that of a finding, or one of these:",
        "",
        "| code | meaning |",
        "|---|---|",
    ]
    lines += [f"| `{code}` | {cell(text)} |" for code, text in FILE_CODES.items()]
    lines += ["", "## Codes of findings", ""]
    for entry in CATALOGUE.values():
        lines += entry_lines(entry)
    return "\n".join(lines)


def entry_lines(entry: CodeEntry) -> list[str]:
    """One code, with its heading as the target of links."""
    verdict = f" Verdict at best: {entry.verdict.value}." if entry.verdict else ""
    return [
        f"### {entry.code}",
        "",
        f"**{entry.title}.** {entry.level.value}.{verdict}",
        "",
        entry.meaning,
        "",
        f"*What to do:* {entry.mend}",
        "",
    ]


def with_tables(text: str) -> str:
    """The page of commands with the table of each command made anew."""

    def made(match: re.Match[str]) -> str:
        return f"{match.group(1)}\n{option_table(match.group(2))}\n{match.group(3)}"

    return re.sub(r"(<!-- options of (\w+) -->)\n.*?(<!-- end -->)", made, text, flags=re.DOTALL)


def with_keys(text: str) -> str:
    """The page of the window with the table of its keys made anew."""
    lines = ["", "| key | menu | command |", "|---|---|---|"]
    lines += [f"| {one.keys} | {one.menu} | {one.text.removesuffix(' ...')} |" for one in WINDOW_COMMANDS if one.keys]
    table = "\n".join([*lines, ""])
    return re.sub(r"(<!-- keys -->)\n.*?(<!-- end -->)", rf"\1\n{table}\n\2", text, flags=re.DOTALL)


def option_table(name: str) -> str:
    """The arguments and options of a command."""
    if name not in COMMANDS:
        raise SystemExit(f"docs/commands.md has a table of '{name}', which is no command.")
    command = cli.get_command(click.Context(cli), name)
    if command is None:
        raise SystemExit(f"There is no command '{name}'.")
    if not any(isinstance(param, click.Option) for param in command.params):
        return ""
    lines = ["", "| option | |", "|---|---|"]
    for param in command.params:
        if not isinstance(param, click.Option):
            continue
        lines.append(f"| {option_text(param)} | {cell(param.help or '')}{shown_default(param)} |")
    return "\n".join([*lines, ""])


def option_text(option: click.Option) -> str:
    """An option in all its forms, with what it takes."""
    forms = [*option.opts, *option.secondary_opts]
    takes = ""
    if not option.is_flag:
        kind = option.type
        takes = option.metavar or ("\\|".join(kind.choices) if isinstance(kind, click.Choice) else kind.name.upper())
        takes = f" {takes}"
    more = " (may be repeated)" if option.multiple else ""
    return f"`{', '.join(forms)}{takes}`{more}"


def shown_default(option: click.Option) -> str:
    """The default where the help shows it."""
    return f" Default: `{option.default}`." if option.show_default else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
