"""A user's own prompts are a benchmark like any other: loaded, answered, checked, judged and added up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer
from judge_server import JudgeServer, rules, shown_answer
from made_benchmarks import answer, verdict

from herl import nltk_data
from herl.benchmarks.base import Benchmark
from herl.benchmarks.graded import checked_row, judged_row
from herl.benchmarks.ifbench.checks import head_checks
from herl.benchmarks.ifbench.english import TaggedEnglish
from herl.benchmarks.ifbench.iftrain import training_checks
from herl.benchmarks.ifeval.checks import checks
from herl.benchmarks.ifeval.english import UNTRAINED, English
from herl.benchmarks.judging import Bench, known_without_judges
from herl.benchmarks.muldimif import BENCHMARK as MULDIMIF
from herl.benchmarks.muldimif.as_check import KINDS
from herl.benchmarks.own_prompts import benchmark_of_prompts, needs_judge
from herl.benchmarks.session import Sitting
from herl.benchmarks.settings import JudgeSettings, Settings
from herl.benchmarks.summarise import grade_rows, metrics_of
from herl.benchmarks.work import prepare
from herl.engine.base import EngineOptions
from herl.engine.openai import OpenAIEngine
from herl.errors import UsageError
from herl.item import Item, Message
from herl.prompts import item_of, row_of
from herl.resources import Store, read_jsonl
from herl.rubric import Check, Criterion, Rubric, Rule
from herl.run import Run

COMMAS = Criterion("commas", "It has no commas.", 2.0, Check("punctuation:no_comma"))
WORDS = Criterion(
    "words", "It is long.", check=Check("length_constraints:number_words", {"relation": "at least", "num_words": 4})
)
FEW = Criterion("few", "It has at most two words.", check=Check("words", {"at_most": 2}))
KIND, RUDE = Criterion("kind", "It is kind.", 3.0), Criterion("rude", "It is rude.", -1.0)


def item(name: str, *criteria: Criterion, rule: Rule = Rule.WEIGHTED_MEAN) -> Item:
    return Item(name, (Message("user", f"Say {name}."),), Rubric(criteria, rule))


def made(*items: Item) -> Benchmark:
    return benchmark_of_prompts("mine", items, needs_judge(items))


def refusal(*items: Item) -> UsageError:
    with pytest.raises(UsageError) as raised:
        made(*items)
    return raised.value


def test_prompts_that_code_decides_are_scored_by_weight() -> None:
    asked = [item("a", COMMAS, WORDS), item("b", COMMAS)]
    work = prepare(made(*asked), Store(), Settings())
    rows = [
        checked_row(work.benchmark, work.items[0], answer("a", "One two three four, five")),
        checked_row(work.benchmark, work.items[1], answer("b", "One")),
    ]
    assert [row["scores"] for row in rows] == [{"score": 1 / 3, "all_met": 0.0}, {"score": 1.0, "all_met": 1.0}]
    assert rows[0]["verdicts"] == {"strict": [False, True]}
    metrics = metrics_of(work.benchmark, grade_rows(work.items, rows))
    assert (metrics["score"]["value"], metrics["all_met"]["value"]) == (pytest.approx(2 / 3), 0.5)


def test_where_a_judge_decides_code_still_decides_what_it_can() -> None:
    work = prepare(made(item("a", COMMAS, KIND, RUDE)), Store(), Settings())
    found = [verdict(COMMAS, 1.0), verdict(KIND, 1.0), verdict(RUDE, 1.0)]
    row = judged_row(work.benchmark, work.items[0], answer("a"), found, {})
    assert row["scores"] == {"score": 0.8, "all_met": 0.0}
    metrics = metrics_of(work.benchmark, grade_rows(work.items, [row]))
    assert metrics["score"]["value"] == metrics["score"]["worst"] == 0.8


class Quiet:
    """Shows no progress."""

    def __init__(self, what: str, total: int, done: int) -> None:
        return

    def __enter__(self) -> Quiet:
        return self

    def __exit__(self, *error: object) -> None:
        return

    def advance(self, tokens: int = 0) -> None:
        return


@pytest.fixture
def policy() -> Iterator[ChatServer]:
    server = ChatServer()
    yield server
    server.close()


@pytest.fixture
def judge() -> Iterator[JudgeServer]:
    server = JudgeServer(lambda body: rules("Is kind" in body["messages"][-1]["content"]))
    yield server
    server.close()


def evaluated(path: Path, benchmark: Benchmark, policy: ChatServer, judges: Sequence[JudgeServer]) -> Mapping[str, Any]:
    """The result of evaluating a benchmark as `herl eval` does."""
    work = prepare(benchmark, Store(), Settings())
    settings = JudgeSettings(models=tuple(f"{judge.url}#parrot" for judge in judges))
    engine = OpenAIEngine(policy.url, EngineOptions(max_retries=0))
    bench = Bench(settings, [judge.engine() for judge in judges])
    with Run(path, "r", {"model": policy.url, "benchmarks": [benchmark.name]}) as run:
        run.pin(benchmark.name, work.facts)
        run.pin_model(engine.fingerprint)
        run.begin()
        [result] = Sitting(run, engine, bench, Settings(), Quiet, False).evaluate([work], fresh=False)
    return json.loads(json.dumps(result))  # type: ignore[no-any-return]


def test_the_whole_way_with_a_judge(tmp_path: Path, policy: ChatServer, judge: JudgeServer) -> None:
    kind, rude = Criterion("kind", "Is kind"), Criterion("rude", "Is rude", -1.0)
    result = evaluated(tmp_path, made(item("a", COMMAS, kind, rude), item("b", WORDS)), policy, [judge])
    # The parrot's answers have a comma and enough words; the judge finds them kind and not rude.
    assert result["metrics"]["score"]["value"] == pytest.approx((1 / 3 + 1) / 2)
    assert result["judge"]["calls_made"] == 2 and result["coverage"] == 1.0
    assert {shown_answer(body)[:6] for body in judge.asked} == {"Answer"}


def test_the_whole_way_with_code_alone(tmp_path: Path, policy: ChatServer) -> None:
    result = evaluated(tmp_path, made(item("a", COMMAS, WORDS), item("b", WORDS)), policy, [])
    assert result["metrics"]["score"]["value"] == pytest.approx((1 / 3 + 1) / 2)
    assert result["metrics"]["all_met"]["value"] == 0.5
    assert result["complete"] and "judge" not in result


def test_a_judge_is_needed_where_a_criterion_has_no_check() -> None:
    assert not needs_judge([item("a", COMMAS)])
    assert needs_judge([item("a", COMMAS), item("b", COMMAS, KIND)])
    with pytest.raises(UsageError, match="prompt b, criterion kind: it has no check, so a judge must decide it"):
        benchmark_of_prompts("mine", [item("a", COMMAS), item("b", COMMAS, KIND)], judged=False)


@pytest.mark.parametrize(
    ("check", "says", "hint"),
    [
        (Check("punctuation:no_coma"), "unknown check 'punctuation:no_coma'", "'punctuation:no_comma'"),
        (Check("count:number"), "unknown check 'count:number'", "'count:numbers'"),
        (Check("keywords:word_onse"), "unknown check", "'keywords:word_once'"),
        (Check("length_constraints:number_words", {"num_words": 4}), "needs the argument 'relation'", ""),
        (Check("punctuation:no_comma", {"N": 4}), "takes no argument 'N'", ""),
        (Check("count:numbers", {"N": "four"}), "'N' must be a whole number", ""),
        (Check("size_of_ech"), "unknown check 'size_of_ech'", "'size_of_each'"),
        (Check("size_of_each", {"at_mst": 3}), "the check size_of_each has an unknown key 'at_mst'", "'at_most'"),
        (Check("size_of_each", {"at_most": "3"}), "'at_most' must be a whole number", ""),
    ],
)
def test_a_check_that_could_not_run_is_refused_before_anything_is_generated(check: Check, says: str, hint: str) -> None:
    error = refusal(item("a", COMMAS, Criterion("2", "So it is.", check=check)))
    assert error.message.startswith("prompt a, criterion 2: ") and says in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (Check("keywords:existence", {"keywords": ["tea"]}), "Tea for two.", "Coffee."),
        (Check("count:numbers", {"N": 2.0}), "1 and 2", "1"),
        (Check("keywords:word_once", {"keyword": ["tea"]}), "tea", "tea and tea"),
        (Check("size_of_each", {"target": "name", "at_most": 1.0}), "- Ann\n- Bo", "- Ann\n- Bo Lee"),
        (Check("keywords", {"keywords": ["tea", "cake"], "any_of": True}), "Cake.", "Coffee."),
    ],
)
def test_checks_of_all_four_tables_take_arguments_as_json_has_them(check: Check, good: str, bad: str) -> None:
    benchmark = made(item("a", Criterion("1", "So it is.", check=check)))
    [loaded] = benchmark.load(Store())
    values = [benchmark.graders["strict"].verdicts(loaded, text)[0].value for text in (good, bad)]
    assert values == [1.0, 0.0]


def test_no_id_stands_in_two_of_the_tables() -> None:
    tables = [checks(English()), head_checks(TaggedEnglish()), training_checks(TaggedEnglish()), KINDS]
    assert len({name for table in tables for name in table}) == sum(len(table) for table in tables)


def test_one_rubric_may_mix_the_tables_and_each_benchmark_keeps_its_ways() -> None:
    benchmark = made(item("a", FEW, COMMAS, KIND))
    [mixed] = benchmark.load(Store())
    known = [known_without_judges(benchmark, mixed, text) for text in ("One, two", "One two three", "")]
    values = [{name: verdict.value for name, verdict in each.items()} for each in known]
    assert values[0] == {"few": 1.0, "commas": 0.0}
    assert values[1] == {"few": 0.0, "commas": 1.0}
    # MulDimIF checks a blank answer like any other; for IFEval, as for a judge, it meets nothing.
    assert values[2] == {"few": 1.0, "commas": 0.0, "kind": 0.0}
    row = judged_row(benchmark, mixed, answer("a"), [*known[0].values(), verdict(KIND, 1.0)], {})
    assert [each["met"] for each in row["verdicts"]] == [True, False, True]


def test_where_upstream_is_blind_its_verdict_counts_and_not_what_the_sentence_says() -> None:
    blind = Check("fixed", {"met": False, "worded": {"id": "letter_case", "kwargs": {"case": "upper"}}})
    benchmark = made(item("a", Criterion("1", "Entirely in uppercase letters.", check=blind)))
    [found] = benchmark.graders["strict"].verdicts(benchmark.load(Store())[0], "SEA")
    assert (found.value, "upstream cannot read it" in found.evidence) == (0.0, True)


def test_what_muldimif_asks_survives_a_file_and_is_decided_as_in_the_benchmark(data_dir: Path) -> None:
    store = Store(data_dir)
    official = MULDIMIF.load(store)
    rows = [json.loads(json.dumps(row_of(item))) for item in official]
    benchmark = made(*(item_of(row, "prompts.jsonl", "") for row in rows))
    benchmark.prepare(store)
    loaded = benchmark.load(store)
    assert list(loaded) == list(official)
    recorded = {row["id"]: row["response"] for row in read_jsonl(data_dir / "muldimif/responses/structured.jsonl")}
    for ours, theirs in list(zip(loaded, official, strict=True))[::12]:
        for text in (recorded[theirs.id], "- **One**: two.\n\n# Three", ""):
            expected = MULDIMIF.graders["strict"].verdicts(theirs, text)
            assert benchmark.graders["strict"].verdicts(ours, text) == expected


def test_nltks_data_is_asked_for_only_where_a_check_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, store: Store) -> Path:
        raise UsageError(f"NLTK's {name} is missing")

    monkeypatch.setattr(nltk_data, "ensure", missing)
    assert made(item("a", KIND)).prepare(Store()) == ()
    [note] = made(item("a", COMMAS)).prepare(Store())
    assert note.startswith(UNTRAINED)
    stops = Criterion("1", "Few stop words.", check=Check("ratio:stop_words", {"percentage": 50}))
    for needs in (item("a", stops), item("a", KIND, FEW)):
        with pytest.raises(UsageError, match="is missing"):
            made(needs).prepare(Store())


def test_the_rubrics_rule_makes_the_score_and_there_is_one_for_all() -> None:
    strict = made(item("a", COMMAS, WORDS, rule=Rule.ALL_MET))
    row = checked_row(strict, strict.load(Store())[0], answer("a", "One, two three four"))
    assert row["scores"] == {"score": 0.0, "all_met": 0.0}
    error = refusal(item("a", COMMAS), item("b", COMMAS, rule=Rule.ALL_MET))
    assert "prompt a has the rule 'weighted_mean', and prompt b 'all_met'" in error.message


def test_a_change_of_what_marks_mean_makes_another_version() -> None:
    marks = [
        Criterion("1", "Lively."),
        Criterion("1", "Lively.", scale=(1, 5)),
        Criterion("1", "Lively.", scale=(1, 10)),
        Criterion("1", "Lively.", scale=(1, 10), met_from=7),
    ]
    versions = [made(item("a", each)).version for each in marks] + [made(item("a", KIND, rule=Rule.POINTS)).version]
    assert versions[0] == "1" and versions[-1] == "1-points"
    assert len(set(versions)) == 5


def test_a_check_has_no_scale() -> None:
    marked = Criterion("1", "No commas.", check=COMMAS.check, scale=(1, 5))
    assert "a check, which is met or not, and a scale" in refusal(item("a", marked)).message


def test_there_must_be_prompts() -> None:
    assert refusal().message == "there are no prompts"
