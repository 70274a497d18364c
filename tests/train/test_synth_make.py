"""make-if prompts: the same for the same seed, none twice, no contradictions, topics and types held out."""

from __future__ import annotations

import json
import string
from collections import Counter
from pathlib import Path

import pytest

from herl.benchmarks.own_prompts import benchmark_of_prompts
from herl.errors import UsageError
from herl.item import Item
from herl.prompts import item_of, row_of
from herl.resources import Store
from herl.train.synth.kind import STYLE_WORDS
from herl.train.synth.kinds import FAMILIES, HELD_OUT, KINDS, family, kinds_of
from herl.train.synth.make import made_prompts, prompts
from herl.train.synth.plan import WORDS_MOST, Mention, Plan, Span
from herl.train.synth.scene import tasks_for, topics
from herl.train.synth.sentences import BANKS, OF_FIELD, SHORT
from herl.train.synth.tasks import TASKS
from herl.train.synth.wordings import WORDINGS

MANY = 1500


@pytest.fixture(scope="module")
def train() -> list[Item]:
    return prompts(MANY, 0)


@pytest.fixture(scope="module")
def held_out() -> list[Item]:
    return prompts(MANY, 0, "held-out")


def types_of(item: Item) -> list[str]:
    return item.tags["types"].split(", ")


def test_the_same_seed_gives_the_same_prompts_and_fewer_are_the_first_of_more(train: list[Item]) -> None:
    assert prompts(200, 0) == train[:200]
    assert {item.messages for item in prompts(200, 1)} != {item.messages for item in train[:200]}


def test_no_prompt_comes_twice_nor_do_the_same_constraints_on_a_topic_in_other_words(train: list[Item]) -> None:
    def meaning(item: Item) -> str:
        checks = sorted(json.dumps([each["check"], *each["tags"]]) for each in row_of(item)["rubric"]["criteria"])
        return json.dumps([item.tags["topic"], item.tags["task"], *checks])

    assert len({item.messages for item in train}) == len({item.id for item in train}) == MANY
    assert len({meaning(item) for item in train}) == MANY


def test_every_criterion_is_decided_by_a_check_that_is_known(train: list[Item], held_out: list[Item]) -> None:
    assert benchmark_of_prompts("made", [*train, *held_out], judged=False).size == 2 * MANY


def test_prompts_survive_a_file(train: list[Item]) -> None:
    for item in train[:100]:
        assert item_of(json.loads(json.dumps(row_of(item))), "here", "1").rubric.criteria[0].text
        assert item_of(json.loads(json.dumps(row_of(item))), "here", "1").messages == item.messages


def test_held_out_topics_are_never_trained_on(train: list[Item], held_out: list[Item]) -> None:
    assert not {item.tags["topic"] for item in train} & {item.tags["topic"] for item in held_out}
    assert {item.tags["field"] for item in train} == {item.tags["field"] for item in held_out}


def test_held_out_types_are_in_half_of_the_held_out_prompts_and_a_tag_says_in_which(
    train: list[Item], held_out: list[Item]
) -> None:
    assert not {name for item in train for name in types_of(item)} & HELD_OUT
    for item in held_out:
        assert (item.tags["novelty"] == "type") == bool(set(types_of(item)) & HELD_OUT)
    counts = Counter(item.tags["novelty"] for item in held_out)
    assert min(counts["topic"], counts["type"]) > MANY * 0.4


def test_every_type_is_asked_for(train: list[Item], held_out: list[Item]) -> None:
    assert {name for item in train for name in types_of(item)} == set(KINDS) - HELD_OUT
    assert {name for item in held_out for name in types_of(item)} == set(KINDS)
    assert {family(name) for name in KINDS} == set(FAMILIES) == {family(name) for name in HELD_OUT}


def test_types_and_families_can_be_chosen_and_the_number_of_constraints_too() -> None:
    chosen = prompts(50, 0, types=["punctuation:no_comma", "muldimif"], constraints=(2, 2))
    assert all(len(item.rubric.criteria) == 2 == int(item.tags["constraints"]) for item in chosen)
    used = {name for item in chosen for name in types_of(item)}
    assert "punctuation:no_comma" in used
    assert all(name.startswith("muldimif:") for name in used - {"punctuation:no_comma"})


@pytest.mark.parametrize(
    ("types", "says", "hint"),
    [
        (["keywords:existance"], "unknown type 'keywords:existance'", "Did you mean 'keywords:existence'?"),
        (["startend:quotation"], "'startend:quotation' are held out from training", "--split held-out"),
    ],
)
def test_a_type_that_cannot_be_had_is_named(types: list[str], says: str, hint: str) -> None:
    with pytest.raises(UsageError, match=says) as raised:
        prompts(1, 0, types=types)
    assert hint in raised.value.hint
    with pytest.raises(UsageError):
        kinds_of("train", ["nonsense"])


def test_more_prompts_than_there_are_is_an_error_that_says_how_many_there_are() -> None:
    with pytest.raises(UsageError, match=r"there are only 0 distinct prompts .* not 3"):
        prompts(3, 0, types=["punctuation:no_comma"], constraints=(2, 2))
    with pytest.raises(UsageError, match="at least one"):
        prompts(0, 0)
    with pytest.raises(UsageError, match="at least one"):
        prompts(1, 0, constraints=(3, 2))


def test_the_constraints_of_a_prompt_claim_nothing_twice_and_nothing_that_is_barred() -> None:
    for made in made_prompts(300, 3, "held-out", constraints=(3, 4)):
        claims = [slot for each in made.constraints for slot in each.kind.claims]
        assert len(claims) == len(set(claims))
        for one in made.constraints:
            for other in made.constraints:
                assert one is other or not set(one.kind.bars) & set(other.kind.claims)
        assert made.plan.is_possible()


def test_no_prompt_forbids_what_it_asks_for() -> None:
    for made in made_prompts(600, 4, constraints=(3, 4)):
        wanted = " ".join(mention.word for mention in made.plan.mentions)
        assert not any(avoided in wanted for avoided in made.plan.avoided)


@pytest.mark.parametrize(
    ("plan", "possible"),
    [
        (Plan(), True),
        (Plan(words=Span(1, 8 * WORDS_MOST), sentences=Span(8)), True),
        (Plan(words=Span(1, 39), sentences=Span(8)), False),
        (Plan(words=Span(90), sentences=Span(1, 3)), False),
        (Plan(sentences=Span(1, 2), parts=3), False),
        (Plan(sentences=Span(1, 2), mentions=(Mention("soil", 3),)), False),
        (Plan(words=Span(40, 50)), False),
    ],
)
def test_ranges_that_leave_nothing_over_are_no_plan(plan: Plan, possible: bool) -> None:
    assert plan.is_possible() == possible


def test_there_are_hundreds_of_topics_and_dozens_of_tasks() -> None:
    found = [*topics("train"), *topics("held-out")]
    assert len({topic.name for topic in found}) == len(found) > 350
    assert len({topic.field for topic in found}) == 14
    assert all(len(topic.words) == 3 and tasks_for(topic) for topic in found)
    assert len({task.name for task in TASKS}) == len(TASKS) > 30


def test_every_type_has_wordings_whose_fields_are_all_filled_in(train: list[Item], held_out: list[Item]) -> None:
    assert {key.partition("|")[0] for key in WORDINGS} == set(KINDS)
    assert not any("{" in item.messages[0].content for item in (*train, *held_out))


def test_our_sentences_break_none_of_the_constraints_on_words_and_marks() -> None:
    sentences = [line for bank in (*BANKS.values(), *OF_FIELD.values(), SHORT) for line in bank]
    for sentence in sentences:
        bare = sentence.replace("{t}", "it").replace("{w}", "it").replace("{v}", "it")
        assert bare[-1] in ".?" and not set(bare[:-1]) - set(string.ascii_letters + " "), sentence
        assert not set(bare.lower().strip(".?").split()) & set(STYLE_WORDS), sentence


def test_requests_can_be_repeated_whatever_else_is_asked() -> None:
    for task in TASKS:
        for request in task.requests:
            assert request.count("{t}") == 1 and "," not in request and request[-1] in ".?"
            assert not set(request.lower().split()) & set(STYLE_WORDS)


@pytest.mark.data
def test_no_prompt_says_what_a_benchmark_says(train: list[Item], held_out: list[Item], data_dir: Path) -> None:
    from herl.train.synth.overlap import overlap

    found = overlap([*train, *held_out], Store(data_dir))
    assert found.missing == () and sum(found.compared.values()) == 541 + 300 + 1200
    assert found.hits == ()
