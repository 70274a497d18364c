"""Begins an experiment or goes on with it: finds what is asked, has a missing rubric drafted, opens the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from herl.benchmarks import get
from herl.benchmarks.conversation import digest
from herl.benchmarks.own_prompts import benchmark_of_prompts, needs_judge
from herl.benchmarks.session import check_judges
from herl.benchmarks.work import Watch, load, prepare
from herl.cache import CompletionCache
from herl.errors import UsageError, nearest
from herl.item import Item, Message
from herl.models import is_remote, label, slug
from herl.prompts import read_prompts
from herl.resources import Store
from herl.rubric import Criterion, Rubric
from herl.rubric_file import as_data, parse_rubric, read_rubric
from herl.run import Run, read_record
from herl.selfimprove.build import Cast, build, check_cast
from herl.selfimprove.draft_rubric import draft_rubric
from herl.selfimprove.journal import Journal
from herl.selfimprove.session import Choices, check, conduct, open_cast
from herl.selfimprove.settings import ORACLE, SELF

PROMPT = "prompt"
"""What a single prompt is called as a benchmark, and as its item."""

INPUT = "input:"
"""How a file of prompts is called as a benchmark: this and the file's name, which no other benchmark can have."""

_SOMETHING = Rubric((Criterion("1", "The answer is good."),))  # stands for a rubric that is not drafted yet

OnDraft = Callable[[Rubric, Path], None]
"""Told a drafted rubric, and where the run keeps it, before any answer is asked for."""


@dataclass(frozen=True)
class Subject:
    """What an experiment is about: a benchmark, a file of prompts, or one prompt.

    Args:
        benchmark: A benchmark's name.
        input: JSONL of prompts with rubrics.
        prompt: What the user says.
        rubric: A file with the prompt's rubric; None has the critic draft one.
        options: Benchmark -> option -> value.
    """

    benchmark: str | None = None
    input: Path | None = None
    prompt: str | None = None
    rubric: Path | None = None
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where an experiment's run is, and who hears of it.

    Args:
        runs_dir: Where runs live.
        run: The run's name; made of what is run when None.
        store: Where data come from.
        fresh: Start over.
        watch: Shows progress.
        on_draft: Hears of a rubric that was drafted.
        command: The command line, for the record.
    """

    runs_dir: Path
    run: str | None
    store: Store
    fresh: bool
    watch: Watch
    on_draft: OnDraft
    command: Sequence[str] = ()


def improve(subject: Subject, choose: Callable[..., Choices], place: Place) -> tuple[Path, dict[str, Any], bool]:
    """Run an experiment, or continue it.

    Args:
        subject: What it is about.
        choose: Makes the choices, given those that follow from the subject.
        place: Where its run is.

    Returns:
        The run's folder, the contents of result.json, and whether that was there already.

    Raises:
        UsageError: something does not fit; no answer was asked for.
        IncompleteError: something could not be had now; the same call continues.
    """
    _check_subject(subject)
    with ExitStack() as opened:
        choices, name, cast = _ready(subject, choose, place, opened)
        check(choices)
        _check_hidden(choices, place.store)
        run = opened.enter_context(Run(place.runs_dir, name, choices.as_config(), fresh=place.fresh))
        result, resumed = conduct(choices, run, place.store, place.watch, place.command, cast)
        return run.path, result, resumed


def _check_subject(subject: Subject) -> None:
    flags = {"--benchmark": subject.benchmark, "--input": subject.input, "--prompt": subject.prompt}
    given = [flag for flag, value in flags.items() if value is not None]
    if not given:
        raise UsageError("nothing is asked", "Give -b NAME, --input FILE.jsonl or --prompt TEXT.")
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} contradict each other", "An experiment is about one of them.")
    if subject.rubric is not None and subject.prompt is None:
        raise UsageError(
            "--rubric belongs to a --prompt", "A benchmark has its own rubrics, and so has every row of --input."
        )
    if subject.prompt is not None and not subject.prompt.strip():
        raise UsageError("the prompt is blank")
    known = {(subject.benchmark or "").strip().partition(":")[0]}
    if strangers := set(subject.options) - known:
        hint = f"Run: {subject.benchmark}." if subject.benchmark else "Prompts of your own have no options."
        raise UsageError(f"--set {min(strangers)}.… is about a benchmark that is not run", hint)


def _check_critic(critic: str) -> None:
    """Refuse a critic that is nothing known, before an engine takes it for a model's name."""
    if not critic:
        raise UsageError("the critic's name is blank", "Take --critic self, oracle or a model.")
    if critic.startswith("replay:"):
        raise UsageError("recorded answers cannot criticise", "Take --critic self, oracle or a model.")
    known = (ORACLE, SELF, "demo")
    if critic in known or is_remote(critic) or "/" in critic or Path(critic).expanduser().exists():
        return
    hint = f"{nearest(critic, list(known))} Or give a model, as -m takes it."
    raise UsageError(f"unknown critic '{critic}'", hint)


def _check_hidden(choices: Choices, store: Store) -> None:
    if not choices.loop.hidden:
        return
    items = choices.prompts or load(choices.benchmark, store, choices.answers).items
    if all(len(item.rubric.criteria) < 2 for item in items):
        raise UsageError("no rubric has a second criterion, so none could be hidden", "Leave --hidden out.")


def _ready(
    subject: Subject, choose: Callable[..., Choices], place: Place, opened: ExitStack
) -> tuple[Choices, str, Cast | None]:
    """What was chosen, what the run is called, and the models where they had to be opened."""
    if subject.prompt is not None:
        return _with_prompt(subject.prompt, subject.rubric, choose, place, opened)
    if subject.input is not None:
        items = read_prompts(subject.input)
        called = INPUT + slug(subject.input.stem)
        choices = choose(benchmark=benchmark_of_prompts(called, items, needs_judge(items)), prompts=items)
    else:
        benchmark = _one(subject.benchmark or "")
        options = subject.options.get(benchmark.partition(":")[0], {})
        choices = choose(benchmark=get(benchmark, options), options=options)
    _check_critic(choices.critic)
    return choices, place.run or _name(choices, choices.benchmark.name), None


def _one(names: str) -> str:
    """The one benchmark that is named."""
    found = [name.strip() for name in names.split(",") if name.strip()]
    if not found:
        raise UsageError("a benchmark's name is blank", "herl list shows them.")
    if len(found) > 1:
        raise UsageError(f"an experiment is on one benchmark, not on {', '.join(found)}", "Run one after the other.")
    return found[0]


def _name(choices: Choices, about: str) -> str:
    critic = choices.critic if choices.critic in (ORACLE, SELF) else label(choices.critic)
    return slug(f"{label(choices.model.strip())}-{about}-{critic}")


def _with_prompt(
    prompt: str, path: Path | None, choose: Callable[..., Choices], place: Place, opened: ExitStack
) -> tuple[Choices, str, Cast | None]:
    given = read_rubric(path) if path else None
    stand_in = _one_prompt(choose, prompt, given or _SOMETHING)
    _check_critic(stand_in.critic)
    mark = digest([prompt, as_data(given) if given else None])[:8]
    name = place.run or _name(stand_in, f"{PROMPT}-{mark}")
    if given:
        return stand_in, name, None
    check(stand_in)
    if kept := _kept_rubric(place, name, prompt):
        return _one_prompt(choose, prompt, kept), name, None
    with Run(place.runs_dir, name, stand_in.as_config(), fresh=place.fresh):
        pass  # a run that cannot be begun is refused here, before the draft is paid for
    cast = open_cast(stand_in, opened, not place.fresh)
    _check_least_budget(stand_in, cast, place)
    rubric = _drafted(stand_in, cast, place)
    place.on_draft(rubric, place.runs_dir / name / "rubric.yaml")
    return _one_prompt(choose, prompt, rubric), name, cast


def _one_prompt(choose: Callable[..., Choices], prompt: str, rubric: Rubric) -> Choices:
    item = Item(PROMPT, (Message("user", prompt),), rubric)
    benchmark = benchmark_of_prompts(PROMPT, [item], needs_judge([item]))
    return choose(benchmark=benchmark, prompts=[item], is_one=True)


def _kept_rubric(place: Place, name: str, prompt: str) -> Rubric | None:
    """The rubric of a run that goes on; None for one that is new or about something else.

    Raises:
        UsageError: its file was edited; what was answered until then was graded by another.
    """
    folder = place.runs_dir / name
    if place.fresh or not (folder / "run.json").exists():
        return None
    config = read_record(folder / "run.json")["config"]
    if config.get("prompt") != prompt or "rubric" not in config:
        return None
    kept, path = parse_rubric(config["rubric"], str(folder / "run.json")), folder / "rubric.yaml"
    if path.exists() and as_data(read_rubric(path)) != as_data(kept):
        raise UsageError(
            f"{path} was edited since run '{name}' began with it",
            f"Give it with --rubric {path}: that is another run.",
        )
    return kept


def _check_least_budget(choices: Choices, cast: Cast, place: Place) -> None:
    """Refuse a budget that is too small whatever the rubric will be, before the draft is paid for."""
    loop = replace(choices.loop, hidden=0.0)  # nothing can be hidden of a rubric that stands for another
    with CompletionCache(read=False) as cache:
        work = prepare(choices.benchmark, place.store, choices.answers)
        build(work, cast, choices.answers, loop, Journal(), cache, place.watch)


def _drafted(choices: Choices, cast: Cast, place: Place) -> Rubric:
    """What the critic, or for an oracle the first judge, finds that a good answer does."""
    check_cast(cast, choices.benchmark)
    if cast.judges is not None:
        check_judges(cast.policy, cast.judges)
    critic = cast.critic
    if critic is None:
        assert cast.judges is not None  # `check` sees to it
        critic = cast.judges.engines[0]
    system = [Message("system", choices.answers.system)] if choices.answers.system else []
    with CompletionCache(read=not place.fresh) as cache:
        return draft_rubric(critic, [*system, *choices.prompts[0].messages], choices.answers.seed, cache)
