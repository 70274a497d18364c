"""Has judges decide the criteria of answers that are there, and grades them into samples.jsonl."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from herl.benchmarks.base import Benchmark
from herl.benchmarks.conversation import answer_hash, conversation
from herl.benchmarks.graded import in_order, judged_row, latest, raw_value, read_verdict
from herl.benchmarks.settings import JudgeSettings, Settings
from herl.benchmarks.work import Watch, Work
from herl.cache import CompletionCache
from herl.engine.base import Engine
from herl.errors import UsageError
from herl.item import Item
from herl.judge.examples import Example, example_turns
from herl.judge.judge import Judge, Ruling
from herl.judge.panel import combine
from herl.judge.prompt import JudgePrompt, Question, questions_about
from herl.judge.rubric_prompt import RubricPrompt
from herl.models import is_address, label
from herl.rows import ANSWER, VERDICTS, Row, RowWriter, read_rows
from herl.rubric import Criterion, Outcome, Rubric, Verdict
from herl.run import Run

_NO_ANSWER = "there is no answer"


@dataclass(frozen=True)
class Bench:
    """The judges of a run.

    Args:
        settings: Who they are and how they are asked.
        engines: One for each of `settings.models`, in their order.
        cache: Replies bought before; None asks for all anew.
    """

    settings: JudgeSettings
    engines: Sequence[Engine]
    cache: CompletionCache | None = None

    def prompt(self, work: Work) -> JudgePrompt:
        """How judges are asked: as the benchmark's protocol says, unless the user wants other calls.

        The general prompt knows the criteria's texts and nothing else that a benchmark shows (a reference answer,
        say), so it never takes the place of the benchmark's own where either kind of call asks the same.
        """
        own = work.benchmark.judge
        assert own is not None
        calls = self.settings.calls
        single = all(len(item.rubric.criteria) == 1 for item in work.items)
        if calls is None or single or (calls == "item") == own.per_item:
            return own
        return RubricPrompt(per_item=calls == "item")

    def judge(self, engine: Engine, work: Work, seed: int) -> Judge:
        """One of the engines as a judge of a benchmark."""
        prompt = self.prompt(work)
        sampling = replace(prompt.sampling, **self.settings.sampling)
        return Judge(engine, prompt, seed=seed, cache=self.cache, examples=self.settings.examples, sampling=sampling)

    def fingerprints(self, work: Work, seed: int) -> list[str]:
        """What identifies each judge's verdicts.

        Raises:
            HerlError: a server must be asked for it and does not answer.
        """
        return [self.judge(engine, work, seed).fingerprint for engine in self.engines]

    def examples(self, work: Work) -> list[Example]:
        """The labelled examples that a benchmark's judges see: marks where it has scales, met or not elsewhere."""
        kinds = {criterion.scale is not None for item in work.items for criterion in item.rubric.criteria}
        return [example for example in self.settings.examples if example.is_score in kinds]

    def check_examples(self, work: Work) -> None:
        """Word the labelled examples for a benchmark's first item, before anything is paid for.

        Raises:
            UsageError: one does not fit, or none is of the kind of the benchmark's criteria.
        """
        if self.settings.examples and not self.examples(work):
            has_scales = not self.settings.examples[0].is_score
            kind, label = ("marked on a scale", "score") if has_scales else ("met or not", "met")
            raise UsageError(
                f"none of the judge's examples is like {work.benchmark.name}'s criteria, which are {kind}",
                f"Label examples with '{label}', or leave --judge-examples out.",
            )
        row = {"id": work.items[0].id, "sample": 0, "response": "An answer."}
        for question in questions(work, self.prompt(work), [row], Settings()):
            example_turns(self.prompt(work), question, self.settings.examples)


def judge_answers(works: Sequence[Work], bench: Bench, run: Run, settings: Settings, watch: Watch) -> Counter[str]:
    """Buy every verdict that the run does not have yet, then grade the answers.

    A verdict is a row of verdicts.jsonl as soon as it is there. One judge asks about all answers of all
    benchmarks before the next begins, and frees its memory, so that local judges need not fit beside each
    other and are loaded once.

    Args:
        works: Benchmarks and their items.
        bench: The judges.
        run: Where rows are and go.
        settings: How the answers were asked.
        watch: Shows progress.

    Returns:
        Why judges gave no reply: reason -> how many. They may when the run is continued.
    """
    failures: Counter[str] = Counter()
    for name, engine in zip(bench.settings.shown, bench.engines, strict=True):
        with closing(engine):
            for work in works:
                failures.update(_ask(work, bench, name, engine, run, settings, watch))
    for work in works:
        _grade(work, bench.settings, run)
    return failures


def _ask(
    work: Work, bench: Bench, name: str, engine: Engine, run: Run, settings: Settings, watch: Watch
) -> Iterable[str]:
    """Buy one judge's verdicts; why some could not be had."""
    asked = list(questions(work, bench.prompt(work), _answers(work, run), settings))
    with RowWriter(run.folder(work.benchmark.name) / "verdicts.jsonl", VERDICTS) as writer:
        ledger = Ledger(writer.rows)
        pending = [question for question in asked if ledger.lacking(name, question)]
        with (
            watch(f"{work.benchmark.name} by {label(name)}", len(asked), len(asked) - len(pending)) as progress,
            closing(bench.judge(engine, work, settings.seed).decide(pending)) as rulings,
        ):
            for ruling in rulings:
                row = verdict_row(name, ruling)
                writer.append(row)
                ledger.add(row)
                progress.advance(ruling.usage.completion_tokens)
    return [reason for question in asked for reason in ledger.lacking(name, question)]


def questions(work: Work, prompt: JudgePrompt, answers: Sequence[Row], settings: Settings) -> Iterator[Question]:
    """What judges are asked about answers; nothing about blank ones, and about criteria that code decides."""
    said = {key: str(row["response"]) for key, row in latest(answers).items()}
    for row in answers:
        item = work.by_id[row["id"]]
        messages = conversation(item, row["sample"], work.by_id, said, settings.system)
        if row["response"].strip() and messages is not None:
            yield from questions_about(prompt, item, row["sample"], messages, row["response"])


def verdict_row(judge: str, ruling: Ruling) -> Row:
    """A row of verdicts.jsonl: what one question to a judge came to."""
    question = ruling.question
    pairs = zip(question.criteria, ruling.verdicts, strict=True)
    return {
        "id": question.item.id,
        "sample": question.sample,
        "answer": answer_hash(question.answer),
        "judge": judge,
        "verdicts": [
            {
                "criterion": criterion.id,
                "outcome": str(verdict.outcome),
                "value": raw_value(criterion, verdict),
                "evidence": verdict.evidence,
            }
            for criterion, verdict in pairs
        ],
        "calls": ruling.calls,
        "usage": {
            "prompt_tokens": ruling.usage.prompt_tokens,
            "completion_tokens": ruling.usage.completion_tokens,
        },
        "reply": ruling.reply,
    }


class Ledger:
    """The verdicts that a run has: judge, item, sample, answer, criterion -> the last one bought.

    An answer that was asked anew, because somebody deleted its row, is another one.

    Args:
        rows: Of verdicts.jsonl.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._found: dict[tuple[str, str, int, str, str], Mapping[str, Any]] = {}
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """Enter what a row decides."""
        for each in row["verdicts"]:
            self._found[row["judge"], row["id"], row["sample"], row["answer"], each["criterion"]] = each

    def lacking(self, judge: str, question: Question) -> list[str]:
        """Why verdicts are lacking that may come when they are asked for (again): a reason for each."""
        verdicts = self.verdicts(judge, question.item, question.sample, question.answer, question.criteria)
        return [f"judge: {verdict.evidence}" for verdict in verdicts if verdict.outcome is Outcome.TRANSPORT]

    def verdicts(
        self, judge: str, item: Item, sample: int, answer: str, criteria: Iterable[Criterion]
    ) -> list[Verdict]:
        """A judge's verdicts on criteria of an answer."""
        place = (judge, item.id, sample, answer_hash(answer))
        found = ((criterion, self._found.get((*place, criterion.id))) for criterion in criteria)
        return [
            read_verdict(criterion, each)
            if each
            else Verdict.abstained(criterion, Outcome.TRANSPORT, "the judge was not asked")
            for criterion, each in found
        ]


def names(judges: JudgeSettings) -> dict[str, str]:
    """Model string -> what tables call the judge, alike for no two judges of a panel.

    A server's model is called by its name, wherever the server is; a folder by its path, since checkpoints of
    two trainings often share the last part.
    """
    short = {
        model: label(model) if is_address(model) or model.startswith("openai:") else model for model in judges.shown
    }
    shared = Counter(short.values())
    return {model: name if shared[name] == 1 else model for model, name in short.items()}


def _answers(work: Work, run: Run) -> list[Row]:
    return in_order(read_rows(run.folder(work.benchmark.name) / "answers.jsonl", ANSWER), work.items)


def _grade(work: Work, judges: JudgeSettings, run: Run) -> None:
    """Append a row to samples.jsonl for each answer whose verdicts are new."""
    folder = run.folder(work.benchmark.name)
    ledger = Ledger(read_rows(folder / "verdicts.jsonl", VERDICTS))
    with RowWriter(folder / "samples.jsonl") as writer:
        known = latest(writer.rows)
        for answer in _answers(work, run):
            row = _graded(work, judges, answer, ledger)
            if known.get((row["id"], row["sample"])) != row:
                writer.append(row)


def _graded(work: Work, judges: JudgeSettings, answer: Row, ledger: Ledger) -> Row:
    """An answer's row: code's verdicts where a criterion has a check, a blank answer's, and the judges'."""
    item, text = work.by_id[answer["id"]], answer["response"]
    verdicts = known_without_judges(work.benchmark, item, text)
    open_criteria = [criterion for criterion in item.rubric.criteria if criterion.id not in verdicts]
    said: dict[str, dict[str, Verdict]] = {criterion.id: {} for criterion in open_criteria}
    for model, name in names(judges).items():
        for verdict in ledger.verdicts(model, item, answer["sample"], text, open_criteria):
            said[verdict.criterion][name] = verdict
    several = len(judges.models) > 1
    for criterion in open_criteria:
        each = said[criterion.id]
        verdicts[criterion.id] = combine(criterion, each, judges.panel) if several else next(iter(each.values()))
    ordered = [verdicts[criterion.id] for criterion in item.rubric.criteria]
    return judged_row(work.benchmark, item, answer, ordered, said if several else {})


def known_without_judges(benchmark: Benchmark, item: Item, text: str) -> dict[str, Verdict]:
    """Criterion id -> verdict, for those criteria that no judge need decide: checked ones, and a blank answer's."""
    checked = tuple(criterion for criterion in item.rubric.criteria if criterion.check)
    found: dict[str, Verdict] = {}
    if checked:
        grader = next(iter(benchmark.graders.values()))
        verdicts = grader.verdicts(replace(item, rubric=Rubric(checked)), text)
        found |= {verdict.criterion: verdict for verdict in verdicts}
    if not text.strip():
        blank = (criterion for criterion in item.rubric.criteria if criterion.check is None)
        found |= {each.id: Verdict(each.id, Outcome.SCORED, 0.0, _NO_ANSWER) for each in blank}
    return found
