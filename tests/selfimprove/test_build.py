"""An experiment that cannot make sense is refused before anything is paid for: its critic, its judges, its budget."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from improving import Quiet, Said, Scripted, compares, is_better, is_met, prompt_of, spoken, varied
from made_benchmarks import benchmark, item, work
from made_experiments import checked, checked_items
from stands import judged_items, judges_by_chance, model, prefers_by_chance

from herl.benchmarks.base import Benchmark
from herl.benchmarks.judging import Bench as Judges
from herl.benchmarks.settings import JudgeSettings, Settings
from herl.cache import CompletionCache
from herl.engine.base import Failure, Request
from herl.errors import IncompleteError, UsageError
from herl.item import Completion
from herl.rubric import Criterion
from herl.selfimprove.build import Cast, build, check_cast, check_final, probe
from herl.selfimprove.experiment import Experiment, run_experiment
from herl.selfimprove.journal import Journal
from herl.selfimprove.settings import LoopSettings
from herl.selfimprove.trial import Stop

POLICY = model(varied, "policy")


def judges(*engines: Scripted) -> Judges:
    return Judges(JudgeSettings(models=tuple(engine.model for engine in engines)), engines)


def built(tmp_path: Path, made: Benchmark, cast: Cast, tokens: int = 10, **loop: Any) -> Experiment:
    with CompletionCache(tmp_path / "cache", read=False) as cache:
        answers = Settings(max_tokens=tokens)
        return build(work(made), cast, answers, LoopSettings(**loop), Journal(), cache, Quiet)


# Who is who.


def test_a_critic_is_the_oracle_the_model_itself_or_another() -> None:
    other = model(varied, "other")
    assert Cast(POLICY, None, None).kind == "oracle"
    assert Cast(POLICY, POLICY, None).kind == "self"
    assert Cast(POLICY, model(varied, "policy"), None).kind == "self", "by another way to the same model"
    assert Cast(POLICY, other, None).kind == "model"
    assert Cast(POLICY, other, None).critic_name == "critic:http://scripted/v1#other"


def test_no_secret_is_in_a_critics_name() -> None:
    engine = Scripted(varied, "http://user:hunter2@scripted/v1#other")
    assert "hunter2" not in Cast(POLICY, engine, None).critic_name


def test_a_critic_must_not_be_the_final_judge() -> None:
    made, other = benchmark(judged_items(1)), model(varied, "other")
    check_cast(Cast(POLICY, other, judges(model(varied, "judge"))), made)
    check_cast(Cast(POLICY, None, judges(other)), made)
    check_cast(Cast(POLICY, other, None), made)
    with pytest.raises(UsageError, match="the critic is the judge of made too"):
        check_cast(Cast(POLICY, other, judges(model(varied, "judge"), model(varied, "other"))), made)
    with pytest.raises(UsageError, match="the loop would see the final grader"):
        check_cast(Cast(POLICY, POLICY, judges(model(varied, "policy"))), made)


def test_somebody_must_give_the_final_score() -> None:
    made, coded = benchmark(judged_items(1)), checked(checked_items(1))
    hiding = LoopSettings(hidden=0.3)
    for case in (coded, made):
        check_final(case, hiding, is_oracle=case is coded, has_judges=case is made)
    check_final(coded, hiding, is_oracle=False, has_judges=False)
    check_final(made, LoopSettings(), is_oracle=False, has_judges=False)
    with pytest.raises(UsageError, match="an oracle for made needs a judge"):
        check_final(made, LoopSettings(), is_oracle=True, has_judges=False)
    with pytest.raises(UsageError, match="none can be hidden from it"):
        check_final(made, hiding, is_oracle=False, has_judges=False)


def test_where_nothing_can_be_hidden_hiding_is_refused(tmp_path: Path) -> None:
    single = [item(name, Criterion("a", "It is short.")) for name in "pq"]
    cast = Cast(POLICY, model(varied, "critic"), judges(model(varied, "judge")))
    with pytest.raises(UsageError, match=r"--hidden 0\.3 hides nothing: no item of made has two criteria"):
        built(tmp_path, benchmark(single), cast, hidden=0.3)
    built(tmp_path, benchmark([*single, *judged_items(1)]), cast, hidden=0.3)
    built(tmp_path, benchmark(single), cast)


# A plain question to the critic.


def probed(script: Callable[[Request], Said], compares: bool = True, cache: CompletionCache | None = None) -> Scripted:
    engine = model(script, "critic")
    probe(Cast(POLICY, engine, None), 0, cache, compares)
    return engine


def test_a_critic_that_answers_is_asked_one_question_of_each_kind() -> None:
    assert len(probed(judges_by_chance, compares=False).asked) == 1
    assert len(probed(judges_by_chance).asked) == 3, "a pair in both orders"
    probe(Cast(POLICY, None, None), 0, None, True)


@pytest.mark.parametrize("script", [lambda request: is_met(None), lambda request: is_met(False)])
def test_a_critic_need_not_be_right(script: Callable[[Request], Said]) -> None:
    probed(lambda request: is_better("tie") if compares(prompt_of(request)) else script(request))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Hello! I am a parrot.", "it said: 'Hello! I am a parrot.'"),
        ('{"met": 1}', "it said: "),
        ("x" * 500, "it said: '" + "x" * 80 + "'"),
        (spoken('{"reason": "', "length"), 'it said: \'{"reason": "\''),
        ("", "the reply is empty"),
        (Completion("", "error", error="the prompt is too long"), "the prompt is too long"),
        (Completion("", "content_filter"), "a content filter stopped the judge"),
    ],
)
def test_a_critic_that_answers_nonsense_is_refused_and_quoted(said: Said, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        probed(lambda request: said)
    assert (
        "the critic http://scripted/v1#critic gave no readable verdict to a plain test question" in raised.value.message
    )
    assert raised.value.message.endswith(words) or words == "it said: "
    assert "--critic" in (raised.value.hint or "")


def test_a_critic_that_only_cannot_compare_is_refused_where_it_has_to(tmp_path: Path) -> None:
    def script(request: Request) -> str:
        return "The first, I think." if compares(prompt_of(request)) else is_met(True)

    probed(script, compares=False)
    with pytest.raises(UsageError, match=r"it said: 'The first, I think\.'"):
        probed(script)


def test_a_critic_that_cannot_be_asked_now_is_told_so() -> None:
    with pytest.raises(IncompleteError, match=r"the critic .*#critic cannot be asked: time-out"):
        probed(lambda request: Failure("time-out"))


def test_a_run_that_goes_on_does_not_ask_again(tmp_path: Path) -> None:
    with CompletionCache(tmp_path / "cache") as cache:
        assert probed(judges_by_chance, cache=cache).asked
        assert not probed(judges_by_chance, cache=cache).asked


# The budget.


@pytest.mark.parametrize(
    ("kind", "loop", "need"),
    [
        # 10 for an answer; 2048 for a reply of the critic, or 2048 of each judge; three criteria.
        ("code", {}, 10 + 10),
        ("code", {"revisions": 3}, 10 + 30),
        ("critic", {}, 10 + 3 * 2048 + 10 + 2 * 2048),
        ("critic", {"revisions": 2}, 10 + 3 * 2048 + 20 + 2 * 2 * 2048),
        ("critic", {"accept": "verdicts"}, 10 + 3 * 2048 + 10 + 3 * 2048),
        ("critic", {"hidden": 0.3}, 10 + 2 * 2048 + 10 + 2 * 2048),
        ("short critic", {}, 10 + 3 * 64 + 10 + 2 * 64),
        ("judges", {}, 10 + 6 * 2048 + 10 + 6 * 2048),
    ],
)
def test_a_budget_too_small_for_a_round_is_refused_with_the_number_that_is_needed(
    tmp_path: Path, kind: str, loop: dict[str, Any], need: int
) -> None:
    panel = judges(model(varied, "one"), model(varied, "two"))
    cast = {
        "code": Cast(POLICY, None, None),
        "critic": Cast(POLICY, model(varied, "critic"), panel),
        "short critic": Cast(POLICY, model(varied, "critic"), panel, {"max_tokens": 64}),
        "judges": Cast(POLICY, None, panel),
    }[kind]
    made = checked(checked_items(3)) if kind == "code" else benchmark(judged_items(2))
    built(tmp_path, made, cast, budget=need, **loop)
    with pytest.raises(UsageError) as raised:
        built(tmp_path, made, cast, budget=need - 1, **loop)
    assert raised.value.message == f"--budget {need - 1} is too small for one round: an item may need {need} tokens"
    hint = raised.value.hint or ""
    assert f"--budget {need} or more" in hint
    limit = {"code": "", "judges": "judge.max_tokens"}.get(kind, "critic.max_tokens")
    assert limit in hint and ("max_tokens" in hint) == bool(limit)


def test_the_number_is_that_of_the_item_that_needs_most(tmp_path: Path) -> None:
    made = benchmark([item("one", Criterion("a", "It is short.")), *judged_items(1)])
    with pytest.raises(UsageError, match=f"may need {10 + 3 * 2048 + 10 + 2 * 2048} tokens"):
        built(tmp_path, made, Cast(POLICY, model(varied, "critic"), None), budget=1)


@settings(max_examples=20)
@given(seed=st.integers(0, 99), accept=st.sampled_from(["verdicts", "preference"]), revisions=st.integers(1, 3))
def test_the_budget_that_is_asked_for_lets_every_item_begin_a_round(
    tmp_path_factory: pytest.TempPathFactory, seed: int, accept: str, revisions: int
) -> None:
    made = benchmark(judged_items(3))
    critic = model(
        lambda request: is_met(False) if not compares(prompt_of(request)) else prefers_by_chance(request), "c"
    )
    policy = Scripted(lambda request: spoken(str(request.sampling.seed), tokens=10))
    cast = Cast(policy, critic, None, {"max_tokens": 8})
    loop: dict[str, Any] = {"accept": accept, "revisions": revisions, "rounds": 3, "patience": 3}
    folder = tmp_path_factory.mktemp("budget")
    with pytest.raises(UsageError) as raised:
        built(folder, made, cast, budget=1, **loop)
    need = int(raised.value.message.split()[-2])
    with CompletionCache(folder / "cache", read=False) as cache:
        answers = Settings(max_tokens=10, seed=seed)
        made_loop = LoopSettings(budget=need, **loop)
        outcome = run_experiment(build(work(made), cast, answers, made_loop, Journal(), cache, Quiet))
    rounds = {stage.item.id: stage.step.round for stage in outcome.stages if stage.arm == "loop"}
    assert set(rounds.values()) <= {1, 2, 3} and len(rounds) == 3
    assert all(stage.step.spent.written <= need for stage in outcome.stages)
    stops = {stage.stop for stage in outcome.stages if stage.stop}
    assert stops <= {Stop.BUDGET, Stop.ROUNDS, Stop.NO_BETTER}
