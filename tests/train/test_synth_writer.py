"""Every prompt of make-if can be met: a writer builds a text that passes all of its checks."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from herl.resources import Store
from herl.train.synth.make import Made, made_prompts
from herl.train.synth.page import Page, render
from herl.train.synth.revisions import Checked
from herl.train.synth.scene import Split

PROMPTS = 200


def unmet(made: list[Made], store: Store) -> list[str]:
    """The prompts for which no text was found."""
    checked = Checked(made, store)
    return [
        f"{each.item.messages[0].content} ({[one.kind.name for one in each.constraints]})"
        for each in made
        if checked.written(each, Random(each.item.id)) is None
    ]


@pytest.mark.data
@pytest.mark.parametrize(
    ("split", "constraints"), [("train", (1, 3)), ("held-out", (1, 3)), ("train", (4, 5)), ("held-out", (4, 5))]
)
def test_every_prompt_has_a_text_that_passes(split: Split, constraints: tuple[int, int], data_dir: Path) -> None:
    assert unmet(made_prompts(PROMPTS, 21, split, constraints=constraints), Store(data_dir)) == []


def test_so_it_is_without_nltks_data_for_the_types_of_ifeval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERL_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert unmet(made_prompts(PROMPTS, 22, types=["ifeval"]), Store(tmp_path)) == []


def test_the_writer_writes_the_same_text_again(tmp_path: Path) -> None:
    made = made_prompts(20, 5, types=["punctuation:no_comma", "keywords:existence", "startend:end_checker"])
    checked = Checked(made, Store(tmp_path))
    texts = [[checked.written(each, Random(each.item.id)) for each in made] for _ in range(2)]
    assert texts[0] == texts[1]


TEXT = Page(parts=(("One comes first.", "Two follows."), ("Three ends it.",)))


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (TEXT, "One comes first. Two follows.\n\nThree ends it."),
        (Page(parts=TEXT.parts, joiner="\n", divider="\n***\n"), "One comes first.\nTwo follows.\n***\nThree ends it."),
        (Page(parts=TEXT.parts, heads=("A", "B")), "A\nOne comes first. Two follows.\n\nB\nThree ends it."),
        (Page(parts=(("One.", "Two."),), speakers=True, joiner="\n"), "Anna: One.\nBen: Two."),
        (Page(parts=(("One.",),), opening="Zero.", ending="End."), "Zero. One. End."),
        (Page(parts=(("One.",),), bullets=("Two.", "Three."), ending="End."), "One.\n\n- Two.\n- Three.\n\nEnd."),
        (Page(bullets=("One.", "Two."), mark="1."), "1. One.\n2. Two."),
        (Page(table=(("a", "b"), ("c", "d"))), "| a | b |\n| --- | --- |\n| c | d |"),
        (Page(parts=(("One.",),), title="<<T>>", postscript="P.S. Two."), "<<T>>\n\nOne.\n\nP.S. Two."),
        (Page(parts=(("One.",),), title="<<T>>", compact=True), "<<T>>\nOne."),
        (Page(parts=(("It is so.",),), stop="!", case="upper", quoted=True), '"IT IS SO!"'),
        (Page(parts=(("it is **so**.",),), case="title"), "It Is **so**."),
        (Page(parts=(("It is so.",),), surface="brackets"), "[It] [is] [so.]"),
        (Page(parts=(("It is so.",),), surface="pairs"), "<<It is>> so."),
        (Page(parts=(("One.",),), depth=2), '{\n  "result": {\n    "answer": "One."\n  }\n}'),
        (Page(whole="As it is."), "As it is."),
    ],
)
def test_a_page_becomes_a_text(page: Page, text: str) -> None:
    assert render(page) == text
