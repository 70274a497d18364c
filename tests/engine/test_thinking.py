"""Thinking blocks are split off an answer, and half a thought is no answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from herl.engine.base import Request
from herl.engine.chat import Prompt, answer
from herl.engine.thinking import CLOSE, OPEN, split_thinking
from herl.item import Completion, Message, Sampling

text = st.text()
tagless = text.filter(lambda words: OPEN not in words and CLOSE not in words)


@given(tagless)
def test_text_without_a_tag_comes_back_unchanged(words: str) -> None:
    assert split_thinking(words) == (None, words, True)


@given(tagless, tagless)
def test_a_block_is_split_from_the_answer_behind_it(thought: str, words: str) -> None:
    assert split_thinking(f"{OPEN}{thought}{CLOSE}{words}") == (thought.strip(), words.lstrip(), True)


@given(tagless, tagless)
def test_a_block_that_the_prompt_opened_needs_no_opening_tag(thought: str, words: str) -> None:
    assert split_thinking(f"{thought}{CLOSE}{words}", opened=True) == (thought.strip(), words.lstrip(), True)


@given(tagless)
def test_an_unfinished_block_leaves_no_answer(thought: str) -> None:
    assert split_thinking(f"\n{OPEN}{thought}") == (thought.strip(), "", False)
    assert split_thinking(thought, opened=True) == (thought.strip(), "", False)


@given(text, st.booleans())
def test_any_text_is_split_into_parts_of_itself(words: str, opened: bool) -> None:
    thinking, rest, finished = split_thinking(words, opened)
    assert rest in words and (thinking or "") in words
    assert finished or rest == ""


def test_tags_in_the_middle_of_an_answer_are_part_of_it() -> None:
    words = f"In HTML, {OPEN} and {CLOSE} are not tags."
    assert split_thinking(words) == (None, words, True)


def _completion(words: str, finish: str, opened: bool = False) -> Completion:
    request = Request("q", 0, (Message("user", "?"),), Sampling(seed=3))
    made = answer(Prompt(request, (1, 2), opened, 9), words, [3, 4, 5], finish, "m").result  # type: ignore[arg-type]
    assert isinstance(made, Completion)
    return made


def test_a_completion_keeps_the_thought_beside_the_answer() -> None:
    made = _completion(f"{OPEN}Hm.{CLOSE}\n\nYes.", "stop")
    assert (made.thinking, made.text, made.finish_reason) == ("Hm.", "Yes.", "stop")
    assert (made.usage.prompt_tokens, made.usage.completion_tokens, made.seed) == (2, 3, 3)


def test_a_completion_that_never_stopped_thinking_is_truncated_even_if_the_model_ended_it() -> None:
    made = _completion("Hm. Hm.", "stop", opened=True)
    assert (made.thinking, made.text, made.finish_reason) == ("Hm. Hm.", "", "length")
