"""Reads configuration files: plain YAML, bounded, with the line of every value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenants.configuration.mistakes import InvalidConfiguration, Mistake, Path, write_path
from tenants.configuration.yaml_reader import MalformedDocument, read_documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path as FilePath

    from tenants.records import JSON

MAX_FILE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document; `directory` is where the files that it names are looked for."""

    file: str
    directory: FilePath
    content: JSON
    lines: Mapping[Path, int]

    def mistake(self, path: Path, text: str) -> Mistake:
        """Say what is wrong at a path; its line is that of the nearest thing that was written."""
        return Mistake(self.file, self.line_of(path), write_path(path), text)

    def line_of(self, path: Path) -> int:
        """Answer the line on which a value, or what it stands in, was written."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One mapping of a document and its place there."""

    document: Document
    path: Path
    content: Mapping[str, JSON]

    def __contains__(self, name: str) -> bool:
        return name in self.content

    def mistake(self, text: str, *names: str | int) -> Mistake:
        """Say what is wrong in this entry, or in what stands below these names in it."""
        return self.document.mistake((*self.path, *names), text)

    def text(self, name: str) -> str:
        """Answer a text of the entry; the schema has made sure that it is one."""
        return str(self.content[name])

    def entry(self, name: str) -> Entry:
        """Answer the mapping below a name; an empty one where there is none."""
        content = self.content.get(name)
        return Entry(
            self.document, (*self.path, name), content if isinstance(content, dict) else {}
        )

    def entries(self, name: str) -> Iterator[Entry]:
        """Answer the mappings of the list below a name."""
        content = self.content.get(name)
        for index, item in enumerate(content if isinstance(content, list) else []):
            if isinstance(item, dict):
                yield Entry(self.document, (*self.path, name, index), item)


def read_file(path: FilePath) -> list[Document]:
    """Read the documents of one file.

    Raises:
        InvalidConfiguration: the file can't be read, is too large or no plain YAML.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        reason = f"can't be read: {error.strerror or 'unknown reason'}"
        raise InvalidConfiguration([Mistake(str(path), 0, "", reason)]) from error
    return read_bytes(content, file=str(path), directory=path.parent)


def read_bytes(content: bytes, *, file: str, directory: FilePath) -> list[Document]:
    """Read the documents of a file's content.

    Raises:
        InvalidConfiguration: it is too large or no plain YAML.
    """
    try:
        text = _decode(content)
        return [
            Document(file, directory, content, lines) for content, lines in read_documents(text)
        ]
    except MalformedDocument as error:
        mistake = Mistake(file, error.line, write_path(error.path), error.text)
        raise InvalidConfiguration([mistake]) from error


def _decode(content: bytes) -> str:
    if len(content) > MAX_FILE_BYTES:
        raise MalformedDocument("the file is larger than 4 MB; split it by tenant", line=0)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise MalformedDocument("this is not UTF-8", line=line) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise MalformedDocument("a NUL character can't be stored; remove it", line=line)
    return text
