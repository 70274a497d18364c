"""Only the demo may do without NLTK's sentence model, and nobody else notices when it does."""

from __future__ import annotations

from pathlib import Path

import nltk
import pytest

from herl.benchmarks.demo import BENCHMARK as DEMO
from herl.benchmarks.ifeval import BENCHMARK as IFEVAL
from herl.benchmarks.ifeval.english import UNTRAINED, English
from herl.errors import UsageError
from herl.resources import Store

TEXT = "Dr. Smith met Prof. Jones at 5 p.m. on Monday. They left."  # two sentences; untrained rules find more


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(nltk.data, "path", [])
    monkeypatch.setenv("HERL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.mark.usefixtures("bare_machine")
def test_ifeval_needs_the_sentence_model() -> None:
    with pytest.raises(UsageError, match="punkt_tab"):
        IFEVAL.prepare(Store())


@pytest.mark.usefixtures("bare_machine")
def test_the_demo_does_without_and_says_so() -> None:
    (note,) = DEMO.prepare(Store())
    assert UNTRAINED in note


@pytest.mark.usefixtures("bare_machine")
def test_nobody_does_without_before_it_could_be_said() -> None:
    with pytest.raises(UsageError, match="punkt_tab"):
        English(may_be_untrained=True).sentences("One. Two.")


@pytest.mark.usefixtures("bare_machine")
def test_what_the_demo_settles_for_does_not_reach_ifeval(data_dir: Path) -> None:
    demo, ifeval = English(may_be_untrained=True), English()
    assert demo.prepare(Store())
    assert ifeval.prepare(Store(data_dir)) == ()
    assert ifeval.sentences(TEXT) == 2
    assert demo.sentences(TEXT) > 2
    with pytest.raises(UsageError):
        English().sentences(TEXT)


@pytest.mark.usefixtures("bare_machine")
def test_the_demo_uses_the_model_as_soon_as_there_is_one(data_dir: Path) -> None:
    demo = English(may_be_untrained=True)
    assert demo.prepare(Store())
    assert demo.sentences(TEXT) > 2
    assert demo.prepare(Store(data_dir)) == ()
    assert demo.sentences(TEXT) == 2
    assert demo.prepare(Store(data_dir)) == ()


def test_sentences_and_words_are_split_as_nltk_splits_them(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nltk.data, "path", [str(data_dir / "nltk_data")])
    english = English()
    english.prepare(Store())
    for text in (TEXT, 'I can\'t. YES! (No?) "OK," she said... U.S. data', "", "a\n\nb. C"):
        assert english.sentences(text) == len(nltk.sent_tokenize(text))
        assert english.capital_words(text) == sum(word.isupper() for word in nltk.word_tokenize(text))
