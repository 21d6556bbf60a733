"""What a person sees of an HTML page: its title, its text, and its forms with the fields in them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin


@dataclass
class Form:
    """A form: where it goes, and its fields by name. `data` are its data-* attributes."""

    action: str
    identifier: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)


@dataclass
class Page:
    """A page as it came to rest in a window; `status` is 0 where no server answered (`text` then says why)."""

    url: str
    title: str = ""
    text: str = ""
    status: int = 200
    forms: list[Form] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.words: list[str] = []
        self.forms: list[Form] = []
        self._inside = [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            data = {name[5:]: value for name, value in values.items() if name.startswith("data-")}
            self.forms.append(Form(values.get("action", ""), values.get("id", ""), data=data))
        elif tag in ("input", "button") and self.forms and "name" in values:
            self.forms[-1].fields[values["name"]] = values.get("value", "")
        if tag in ("title", "script", "style"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if self._inside[-1] == "title":
            self.title += data.strip()
        elif self._inside[-1] == "" and data.strip():
            self.words.append(data.strip())


def read_page(url: str, html: str, status: int = 200) -> Page:
    """Reads a page; forms' actions become whole addresses."""
    reader = _Reader()
    reader.feed(html)
    for form in reader.forms:
        form.action = urljoin(url, form.action)
    return Page(url, reader.title, " ".join(reader.words), status, reader.forms)
