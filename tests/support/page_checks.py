"""What must hold of every page of a report: each check gives the faults that it finds, in words."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"br", "hr", "img", "input", "link", "meta", "col"}


class PageReader(HTMLParser):
    """A page as a tree is seen by whoever cannot see it: tags in order, texts, headings, ids, references."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.headings: list[tuple[int, str]] = []
        self.texts: list[str] = []
        self.feed(source)
        self.close()
        self.faults += [f"<{name}> is never closed" for name in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        self.faults += [f"<{tag}> has {name} twice" for name in set(names) if names.count(name) > 1]
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)
        if self.open and re.fullmatch(r"h[1-6]|span|a", self.open[-1]) and self.headings:
            level, text = self.headings[-1]
            if any(re.fullmatch(r"h[1-6]", name) for name in self.open):
                self.headings[-1] = (level, text + data)

    @property
    def text(self) -> str:
        """All that is to be read."""
        return " ".join(" ".join(self.texts).split())

    def of(self, name: str) -> list[dict[str, str]]:
        """The attributes of all elements of a name."""
        return [attributes for tag, attributes in self.tags if tag == name]


def page_faults(source: str) -> list[str]:
    """Whatever is wrong with a page."""
    page = PageReader(source)
    return [*page.faults, *_structure(page), *_references(page), *_nothing_is_loaded(page, source)]


def _structure(page: PageReader) -> list[str]:
    faults = []
    if page.of("html") != [{"lang": "en"}]:
        faults.append("no language")
    drawings = sum("aria-hidden" not in one for one in page.of("svg"))
    wanted = {"main": 1, "header": 1, "footer": 1, "h1": 1, "title": 1 + drawings}
    faults += [f"not {count} of <{name}>" for name, count in wanted.items() if len(page.of(name)) != count]
    level = 0
    for found, text in page.headings:
        if found > level + 1:
            faults.append(f"heading {text!r} of level {found} follows one of level {level}")
        if not text.strip():
            faults.append(f"an empty heading of level {found}")
        level = found
    faults += [f"a picture without words: {one}" for one in page.of("img") if not one.get("alt", "").strip()]
    faults += ["a table without caption"] * (len(page.of("table")) - len(page.of("caption")))
    faults += ["a header of a table without scope" for one in page.of("th") if "scope" not in one]
    faults += ["details without summary"] * (len(page.of("details")) - len(page.of("summary")))
    faults += [
        "a drawing without a name" for one in page.of("svg") if not {"aria-hidden", "aria-labelledby"} & set(one)
    ]
    return faults


def _references(page: PageReader) -> list[str]:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    faults = [f"the id {one} stands {ids.count(one)} times" for one in set(ids) if ids.count(one) > 1]
    for tag, attributes in page.tags:
        for name in ("aria-labelledby", "aria-describedby"):
            faults += [f"{tag}: no {one}" for one in attributes.get(name, "").split() if one not in ids]
        if tag == "a" and attributes.get("href", "#").removeprefix("#") not in ids:
            faults.append(f"a link to {attributes.get('href')} leads nowhere")
    return faults


def _nothing_is_loaded(page: PageReader, source: str) -> list[str]:
    faults = [f"<{name}> on the page" for name in ("script", "iframe", "object", "embed", "form") if page.of(name)]
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            if name.startswith("on"):
                faults.append(f"<{tag} {name}>")
            if name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href") and not re.match(
                r"#|data:", value
            ):
                faults.append(f"<{tag} {name}={value[:80]}>")
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL)
    if style is None or re.search(r"url\(|@import|expression\(", style.group(1)):
        faults.append("no style, or one that loads something")
    if "Content-Security-Policy" not in [one.get("http-equiv") for one in page.of("meta")]:
        faults.append("no policy of what may be loaded")
    return faults
