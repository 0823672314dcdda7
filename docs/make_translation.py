"""Makes or renews the file of a translation: ``python docs/make_translation.py de``.

``src/evenfield/gui/translations/evenfield_de.ts`` then holds every text of the window; what was translated before
stays. ``pyside6-linguist`` edits such a file, and ``pyside6-lrelease`` makes of it the ``.qm`` that the window
loads.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from xml.etree import ElementTree

GUI = Path(__file__).parents[1] / "src" / "evenfield" / "gui"

DOORS = ("tr", "mark", "count_words")
"""Functions of `evenfield.gui.words` whose texts are translated."""


def window_texts() -> dict[str, str]:
    """Every text of the window, and the module in which it stands first."""
    found: dict[str, str] = {}
    for path in sorted(GUI.glob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda one: (one.lineno, one.col_offset)):
            if isinstance(call.func, ast.Name) and call.func.id in DOORS:
                for one in call.args:
                    if isinstance(one, ast.Constant) and isinstance(one.value, str):
                        found.setdefault(one.value, path.name)
    return found


def write_translation(path: Path, language: str) -> None:
    """Write the file of a language; translations that it holds of texts that are still there are kept."""
    known = {}
    if path.exists():
        messages = ElementTree.parse(path).iter("message")
        known = {one.findtext("source"): one.find("translation") for one in messages}
    top = ElementTree.Element("TS", version="2.1", language=language)
    context = ElementTree.SubElement(top, "context")
    ElementTree.SubElement(context, "name").text = "evenfield"
    for text, module in window_texts().items():
        message = ElementTree.SubElement(context, "message")
        ElementTree.SubElement(message, "location", filename=f"../{module}")
        ElementTree.SubElement(message, "source").text = text
        given = known.get(text)
        message.append(ElementTree.Element("translation", type="unfinished") if given is None else given)
    ElementTree.indent(top)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(top).write(path, encoding="utf-8", xml_declaration=True)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        write_translation(GUI / "translations" / f"evenfield_{name}.ts", name)
