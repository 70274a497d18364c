"""An answer in its parts, and how they become a text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal

Case = Literal["", "upper", "lower", "title"]
Surface = Literal["", "brackets", "pairs"]

_SPEAKERS = ("Anna", "Ben")


@dataclass(frozen=True, slots=True)
class Page:
    """An answer in its parts; what is empty is left out.

    Args:
        parts: Paragraphs or sections, each a tuple of sentences.
        opening: Stands first, in the first part.
        title: Stands above everything.
        greeting: Stands above the first part.
        joiner: Between the sentences of a part.
        divider: Between parts.
        heads: A heading for each part.
        bullets: Items of a list below the parts.
        mark: What marks an item; "1." numbers them.
        table: Rows of cells below the parts, the header first.
        ending: Stands last, in the last part.
        signoff: Stands below everything.
        postscript: Stands at the very end.
        compact: Nothing may stand between empty lines but the parts.
        speakers: The sentences are spoken by two people in turn.
        stop: What full stops are written as.
        case: The letter case of all.
        surface: Every word, or every two, in brackets.
        quoted: All of it in double quotation marks.
        depth: Levels of JSON that it is wrapped in; 0 for none.
        whole: The text as it is, in place of all else.
    """

    parts: tuple[tuple[str, ...], ...] = ()
    opening: str = ""
    title: str = ""
    greeting: str = ""
    joiner: str = " "
    divider: str = "\n\n"
    heads: tuple[str, ...] = ()
    bullets: tuple[str, ...] = ()
    mark: str = "-"
    table: tuple[tuple[str, ...], ...] = ()
    ending: str = ""
    signoff: str = ""
    postscript: str = ""
    compact: bool = False
    speakers: bool = False
    stop: str = "."
    case: Case = ""
    surface: Surface = ""
    quoted: bool = False
    depth: int = 0
    whole: str = ""

    def each(self, change: Callable[[str], str]) -> Page:
        """The page with every sentence of its parts and of its list changed."""
        parts = tuple(tuple(change(sentence) for sentence in part) for part in self.parts)
        return replace(self, parts=parts, bullets=tuple(change(bullet) for bullet in self.bullets))

    def sentences(self) -> tuple[str, ...]:
        """All sentences of its parts and of its list."""
        return tuple(sentence for part in self.parts for sentence in part) + self.bullets


def render(page: Page) -> str:
    """The page as a text."""
    text = page.whole or _wrapped(page, _laid_out(page))
    text = text if page.stop == "." else text.replace(".", page.stop)
    text = _in_case(text, page.case)
    text = _on_surface(text, page.surface)
    return f'"{text}"' if page.quoted else text


def _laid_out(page: Page) -> str:
    gap = "\n" if page.compact else "\n\n"
    body = page.divider.join(_part(page, number) for number in range(len(page.parts)))
    blocks = [page.title, page.greeting, body, _list(page), _table(page)]
    below = bool(page.bullets or page.table)
    blocks += [page.ending if below else "", page.signoff, page.postscript]
    return gap.join(block for block in blocks if block)


def _part(page: Page, number: int) -> str:
    is_last = number == len(page.parts) - 1 and not (page.bullets or page.table)
    sentences = [page.opening if number == 0 else "", *page.parts[number], page.ending if is_last else ""]
    spoken = [sentence for sentence in sentences if sentence]
    if page.speakers:
        before = sum(len(part) for part in page.parts[:number])
        spoken = [f"{_SPEAKERS[(before + turn) % 2]}: {sentence}" for turn, sentence in enumerate(spoken)]
    head = f"{page.heads[number]}\n" if page.heads else ""
    return head + page.joiner.join(spoken)


def _list(page: Page) -> str:
    marks = [f"{number}." if page.mark == "1." else page.mark for number in range(1, len(page.bullets) + 1)]
    return "\n".join(f"{mark} {bullet}" for mark, bullet in zip(marks, page.bullets, strict=True))


def _table(page: Page) -> str:
    if not page.table:
        return ""
    rows = [f"| {' | '.join(row)} |" for row in page.table]
    return "\n".join([rows[0], f"|{' --- |' * len(page.table[0])}", *rows[1:]])


def _wrapped(page: Page, text: str) -> str:
    value: object = text
    for level in range(page.depth):
        value = {("answer" if level == 0 else "result"): value}
    return json.dumps(value, ensure_ascii=False, indent=2) if page.depth else text


def _in_case(text: str, case: Case) -> str:
    match case:
        case "upper":
            return text.upper()
        case "lower":
            return text.lower()
        case "title":
            return "".join(
                letter.upper() if before.isspace() else letter for before, letter in zip(" " + text, text, strict=False)
            )
        case "":
            return text


def _on_surface(text: str, surface: Surface) -> str:
    words = text.split()
    match surface:
        case "brackets":
            return " ".join(f"[{word}]" for word in words)
        case "pairs":
            pairs = zip_longest(words[::2], words[1::2])
            return " ".join(f"<<{first} {second}>>" if second else first for first, second in pairs)
        case "":
            return text
