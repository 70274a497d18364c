"""`herl self-improve` through the real command line, with models that a script plays behind real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer
from command import Herl
from improving import answers_in, compares
from judge_server import JudgeServer, says
from servers import Fault, error
from typer.core import TyperGroup
from typer.main import get_command

from herl.cli.app import app
from herl.cli.settings import read_controls
from herl.rows import read_rows
from herl.rubric_file import read_rubric

ASKED = "Name two rivers."
PLAIN, BETTER = "The Rhine, the Elbe", "The Rhine and the Elbe"
DRAFT = [{"text": "It names two rivers.", "weight": 2}, {"text": "It has no commas.", "weight": 1}]
CHECKED = '[{text: It has no commas., check: {id: "punctuation:no_comma"}}]'
JUDGED = "[It names two rivers., It has no commas.]"


def mind(body: Mapping[str, Any]) -> Fault:
    """Puts a comma into its plain answers, and finds as a critic that this is their fault."""
    asked = str(body["messages"][-1]["content"])
    if "Write the rubric" in asked:
        return says(json.dumps({"criteria": DRAFT}))
    if compares(asked):
        first, second = answers_in(asked)
        return says(json.dumps({"reason": "", "better": "first" if second.count(",") > first.count(",") else "second"}))
    if answers := answers_in(asked):
        return says(json.dumps({"reason": "", "met": "commas" not in asked or "," not in answers[0]}))
    return says(BETTER if "<draft>" in asked else PLAIN)


@pytest.fixture
def herl(tmp_path: Path) -> Herl:
    (tmp_path / "checked.yaml").write_text(CHECKED)
    (tmp_path / "judged.yaml").write_text(JUDGED)
    rows = [{"prompt": ASKED, "rubric": [each["text"] for each in DRAFT]}, {"prompt": "And lakes?", "rubric": ["Is."]}]
    (tmp_path / "waters.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Herl(tmp_path)


@pytest.fixture
def parrot() -> Iterator[ChatServer]:
    server = ChatServer()
    yield server
    server.close()


@pytest.fixture
def policy() -> Iterator[JudgeServer]:
    server = JudgeServer(mind)
    yield server
    server.close()


@pytest.fixture
def judge() -> Iterator[JudgeServer]:
    server = JudgeServer(mind)
    yield server
    server.close()


@pytest.fixture
def improve(herl: Herl, policy: JudgeServer, tmp_path: Path) -> Any:
    """Improves the policy's answers; arguments are added, and FOLDER and URL in them stand for where things are."""

    def call(*flags: object, **environment: str) -> Any:
        places = {"FOLDER": str(tmp_path), "URL": policy.url}
        words = [str(flag) for flag in flags]
        for name, place in places.items():
            words = [word.replace(name, place) for word in words]
        model = [] if "-m" in words else ["-m", f"{policy.url}#policy"]
        return herl("self-improve", *model, *words, **environment)

    return call


def runs(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "runs").glob("*"))


def config(tmp_path: Path) -> dict[str, Any]:
    [run] = runs(tmp_path)
    found: dict[str, Any] = json.loads((tmp_path / "runs" / run / "run.json").read_text())["config"]
    return found


PROMPT = ["--prompt", ASKED]
WITH_CHECKS = [*PROMPT, "--rubric", "FOLDER/checked.yaml"]
WITH_JUDGES = [*PROMPT, "--rubric", "FOLDER/judged.yaml"]


@pytest.mark.parametrize(
    ("flags", "message", "hint"),
    [
        ([], "nothing is asked", "-b NAME, --input FILE.jsonl or --prompt TEXT"),
        (["-b", "demo", *PROMPT], "--benchmark and --prompt contradict each other", "one of them"),
        (["-b", "demo", "--input", "x.jsonl", *PROMPT], "--benchmark and --input and --prompt contradict", "one"),
        (["-b", "demo", "--rubric", "FOLDER/judged.yaml"], "--rubric belongs to a --prompt", "its own rubrics"),
        (["-b", "demo,ifeval"], "on one benchmark, not on demo, ifeval", "one after the other"),
        (["-b", ","], "a benchmark's name is blank", "herl list"),
        (["-b", "dmeo"], "unknown benchmark 'dmeo'", "Did you mean 'demo'?"),
        (["--prompt", " "], "the prompt is blank", ""),
        (["--input", "FOLDER/none.jsonl"], "none.jsonl does not exist", ""),
        (["--input", "FOLDER/judged.yaml"], "judged.yaml, line 1: not valid JSON", ""),
        ([*PROMPT, "--rubric", "FOLDER/none.yaml"], "none.yaml does not exist", ""),
        (["-b", "demo", "--critic", "orcale"], "unknown critic 'orcale'", "Did you mean 'oracle'?"),
        (["-b", "demo", "--critic", " "], "the critic's name is blank", "self, oracle or a model"),
        ([*PROMPT, "--critic", "slef"], "unknown critic 'slef'", "Did you mean 'self'?"),
        (["-b", "demo", "--critic", "replay:x.jsonl"], "recorded answers cannot criticise", "a model"),
        (["-m", "replay:x.jsonl", "-b", "demo"], "recorded answers cannot be revised", "-m"),
        (["-b", "demo", "--judge", "URL#j"], "no judge is needed: code decides demo", "--judge"),
        ([*WITH_CHECKS, "--judge", "URL#j"], "no judge is needed: code decides prompt", "--judge"),
        ([*PROMPT, "--critic", "oracle"], "an oracle for prompt needs a judge", "--judge MODEL"),
        ([*WITH_JUDGES, "--critic", "oracle"], "an oracle for prompt needs a judge", "--judge MODEL"),
        (["--input", "FOLDER/waters.jsonl", "--critic", "oracle"], "an oracle for input:waters needs a judge", ""),
        ([*WITH_JUDGES, "--critic", "URL#j", "--judge", "URL#j"], "the critic is the judge of prompt too", "another"),
        ([*WITH_JUDGES, "--judge", "URL#policy", "--critic", "oracle"], "would judge its own", "--allow-self-judge"),
        ([*PROMPT, "--judge", "URL#policy", "--critic", "URL#c"], "would judge its own", "--allow-self-judge"),
        (["-b", "demo", "--price", "1,1"], "settings for a judge are given, but no judge", "--judge MODEL"),
        ([*WITH_CHECKS, "--hidden", 0.3], "no rubric has a second criterion", "Leave --hidden out"),
        (["-b", "demo", "-n", 1, "--hidden", 0.3], "no rubric has a second criterion", "Leave --hidden out"),
        ([*WITH_JUDGES, "--hidden", 0.3], "none can be hidden from it", "Name a --judge"),
        (["-b", "demo", "--hidden", 1], "--hidden must be from 0 to below 1", ""),
        (["-b", "demo", "--critic", "oracle", "--accept", "preference"], "does not compare answers", "--accept"),
        (["-b", "demo", "--revision-temperature", 0], "--revision-temperature must be above 0", "again and again"),
        (["-b", "demo", "--controls", "best-of-m"], "unknown control 'best-of-m'", "Did you mean 'best-of-n'?"),
        (["-b", "demo", "--controls", "resample,resample"], "a control is named twice", ""),
        (["-b", "demo", "--controls", "all,resample"], "--controls all names every control", "the other names"),
        (["-b", "demo", "--controls", ","], "--controls names no control", "Known: all, best-of-n"),
        (["-b", "demo", "--controls="], "--controls names no control", "Known: all, best-of-n"),
        (["-b", "demo", "--set", "critic.mood=kind"], "critics have no setting 'mood'", "max_tokens"),
        (["-b", "demo", "--set", "critic.max_tokens=few"], "critic.max_tokens must be a whole number", ""),
        (["-b", "demo", "--critic", "oracle", "--set", "critic.top_p=1"], "the oracle is none", "judge.…"),
        (["-b", "demo", "--set", "ifbench.data=paper"], "about a benchmark that is not run", "Run: demo."),
        ([*PROMPT, "--set", "ifbench.data=paper"], "about a benchmark that is not run", "have no options"),
        ([*PROMPT, "--set", "x=1"], "--set 'x=1' is not understood", "critic.KEY=VALUE"),
        ([*PROMPT, "--run", "../x"], "run name '../x' may hold only letters", ""),
        (["-b", "demo", "--critic", "oracle", "--budget", 9], "--budget 9 is too small for one round", "or more"),
        ([*WITH_JUDGES, "--budget", 9], "--budget 9 is too small for one round", "or more"),
        ([*PROMPT, "--budget", 9], "--budget 9 is too small for one round", "or more"),
        ([*PROMPT, "--budget", 9, "--critic", "oracle", "--judge", "URL#j"], "--budget 9 is too small", "or more"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_a_mistake_is_told_in_a_line_or_two_before_anything_is_asked(
    improve: Any, policy: JudgeServer, tmp_path: Path, flags: list[object], message: str, hint: str
) -> None:
    done = improve(*flags)
    assert done.exit_code == 2, done.output
    said, *then = done.stderr.splitlines()
    assert message in said and hint in "".join(then) and len(then) <= 1
    assert policy.asked == [] and done.stdout == "" and runs(tmp_path) == []


def test_a_setting_of_a_critic_is_no_setting_of_eval(herl: Herl) -> None:
    done = herl("eval", "-m", "demo", "-b", "demo", "--set", "critic.max_tokens=9")
    assert done.exit_code == 2 and "--set critic.… is about a benchmark that is not run" in done.stderr


def test_a_critic_that_only_writes_nonsense_is_found_before_any_answer(
    improve: Any, policy: JudgeServer, tmp_path: Path
) -> None:
    policy.judge = lambda body: says("I would rather not say.")
    done = improve(*WITH_JUDGES)
    assert done.exit_code == 2 and "gave no readable verdict" in done.stderr and "rather not say" in done.stderr
    assert runs(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["--controls"], "all"),
        (["--controls", "--rounds", "3"], "all"),
        (["--controls", "-n", "3"], "all"),
        (["--controls", "all"], "all"),
        (["--controls", "resample,best-of-n"], "resample,best-of-n"),
        (["--controls=resample"], "resample"),
        ([], None),
    ],
)
def test_controls_may_stand_alone_and_mean_all_of_them(words: list[str], meant: str | None) -> None:
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    context = root.commands["self-improve"].make_context("self-improve", ["-m", "demo", "-b", "demo", *words])
    assert context.params["controls"] == meant


def test_controls_run_in_one_order_however_they_are_named() -> None:
    assert (
        read_controls("all")
        == ("best-of-n", "resample", "self-refine")
        == read_controls("self-refine, best-of-n,resample")
    )
    assert read_controls("self-refine,best-of-n") == ("best-of-n", "self-refine")


def test_a_benchmark_ends_with_its_report_and_the_same_command_returns_at_once(
    herl: Herl, parrot: ChatServer, tmp_path: Path
) -> None:
    command = ["self-improve", "-m", parrot.url, "-b", "demo", "--critic", "oracle", "--controls", "-n", 3]
    done = herl(*command)
    assert done.exit_code == 0, done.stderr
    assert runs(tmp_path) == ["parrot-demo-oracle"]
    result = json.loads((tmp_path / "runs" / "parrot-demo-oracle" / "demo" / "result.json").read_text())
    assert done.stdout.startswith("ORACLE: parrot on demo") and result["reading"] in done.stdout
    assert list(result["controls"]) == ["best-of-n", "resample", "self-refine"]
    for name in ("summary.md", "summary.csv"):
        path = tmp_path / "runs" / "parrot-demo-oracle" / name
        assert str(path) in done.stdout and path.read_text()
    asked, again = parrot.asked, herl(*command)
    assert again.stdout == done.stdout and parrot.asked == asked
    assert "finished already; --fresh starts it over" in again.stderr
    told = json.loads(herl(*command, "--json").stdout)
    assert told == {**result, "run": "parrot-demo-oracle", "path": str(tmp_path / "runs" / "parrot-demo-oracle")}
    assert any("ORACLE" in note for note in told["notes"])
    changed = herl(*command, "--rounds", 3)
    assert changed.exit_code == 2 and "was started with rounds = 2, now it is 3" in changed.stderr
    fresh = herl(*command, "--rounds", 3, "--fresh")
    assert fresh.exit_code == 0 and parrot.asked > asked and config(tmp_path)["rounds"] == 3


def test_every_option_can_be_given_by_environment(herl: Herl, parrot: ChatServer, tmp_path: Path) -> None:
    variables = {"MODEL": parrot.url, "BENCHMARK": "demo", "CRITIC": "oracle", "LIMIT": "1", "CONTROLS": "all"}
    variables |= {"ROUNDS": "1", "REVISION_TEMPERATURE": "0.5", "RUN": "mine"}
    done = herl("self-improve", **{f"HERL_SELF_IMPROVE_{name}": value for name, value in variables.items()})
    assert done.exit_code == 0, done.stderr
    assert runs(tmp_path) == ["mine"]
    found = config(tmp_path)
    assert (found["rounds"], found["limit"], found["revision_temperature"]) == (1, 1, 0.5)
    assert found["controls"] == ["best-of-n", "resample", "self-refine"]


def test_a_file_of_prompts_is_a_benchmark_that_a_critic_improves_and_a_judge_scores(
    improve: Any, policy: JudgeServer, judge: JudgeServer, tmp_path: Path
) -> None:
    flags = ["--input", "FOLDER/waters.jsonl", "--judge", f"{judge.url}#stern", "--set", "critic.max_tokens=77"]
    done = improve(*flags)
    assert done.exit_code == 0, done.stderr
    assert runs(tmp_path) == ["policy-input-waters-self"]
    folder = tmp_path / "runs" / "policy-input-waters-self" / "input-waters"
    rows = read_rows(folder / "samples.jsonl")
    assert [row["response"] for row in rows if row["id"] == "1"] == [PLAIN, BETTER]
    assert "input:waters" in done.stdout and "judge stern" in done.stdout and "ORACLE" not in done.stdout
    critics = [body for body in policy.asked if answers_in(str(body["messages"][-1]["content"]))]
    assert critics and all(77 in (body.get("max_tokens"), body.get("max_completion_tokens")) for body in critics)
    assert len((folder / "prompts.jsonl").read_text().splitlines()) == 2


def test_too_few_verdicts_are_exit_code_4(improve: Any, judge: JudgeServer) -> None:
    judge.judge = lambda body: says("Hm.") if "commas" in str(body["messages"]) else mind(body)
    flags = ["--input", "FOLDER/waters.jsonl", "--judge", f"{judge.url}#stern"]
    done = improve(*flags)
    assert done.exit_code == 4
    assert "input:waters: judges decided" in done.stderr and "below --min-judge-coverage 0.95" in done.stderr
    assert "input:waters" in done.stdout
    assert improve(*flags, "--min-judge-coverage", 0.5).exit_code == 0


def test_the_answer_to_a_prompt_is_alone_on_stdout(improve: Any, policy: JudgeServer, tmp_path: Path) -> None:
    done = improve(*WITH_JUDGES)
    assert (done.exit_code, done.stdout) == (0, f"{BETTER}\n"), done.stderr
    assert done.stderr.splitlines()[:5] == [
        "plain answer: score 50.0 %",
        "round 1: score 100.0 %, a better revision",
        "stopped: the critic finds nothing unmet",
        "- met      It names two rivers.",
        "- met      It has no commas.",
    ]
    assert "SCORED BY ITS CRITIC" in done.stderr
    [run] = runs(tmp_path)
    assert run.startswith("policy-prompt-") and run.endswith("-self")
    asked = len(policy.asked)
    told = json.loads(improve(*WITH_JUDGES, "--json").stdout)
    assert (told["answer"], told["run"], len(policy.asked)) == (BETTER, run, asked)
    assert [(entry["round"], entry["changed"], entry["answer"]) for entry in told["history"]] == [
        (0, False, PLAIN),
        (1, True, BETTER),
    ]
    assert [entry["met"] for entry in told["history"]] == [{"1": True, "2": False}, {"1": True, "2": True}]
    assert (told["history"][0]["stop"], told["history"][1]["stop"]) == (None, "all_met")
    assert told["rubric"] == {"criteria": [{"text": each["text"]} for each in DRAFT]}
    assert told["result"]["critic"]["kind"] == "self" and told["result"]["n"] == 1


def test_an_oracle_is_stamped_on_the_answer_to_a_prompt(improve: Any) -> None:
    done = improve(*WITH_CHECKS, "--critic", "oracle")
    assert (done.exit_code, done.stdout) == (0, f"{BETTER}\n"), done.stderr
    assert "ORACLE" in done.stderr
    told = json.loads(improve(*WITH_CHECKS, "--critic", "oracle", "--json").stdout)
    assert any("ORACLE" in note for note in told["result"]["notes"])


def test_a_missing_rubric_is_drafted_shown_and_kept_as_a_file_to_edit(
    improve: Any, policy: JudgeServer, tmp_path: Path
) -> None:
    done = improve(*PROMPT)
    assert (done.exit_code, done.stdout) == (0, f"{BETTER}\n"), done.stderr
    [run] = runs(tmp_path)
    path = tmp_path / "runs" / run / "rubric.yaml"
    assert done.stderr.splitlines()[:4] == [
        "No --rubric was given, so the critic drafted one:",
        "- It names two rivers. (weight 2)",
        "- It has no commas.",
        f"It will be in {path}: change it, and give it with --rubric.",
    ]
    assert [(each.text, each.weight) for each in read_rubric(path).criteria] == [
        (each["text"], each["weight"]) for each in DRAFT
    ]
    asked = len(policy.asked)
    again = improve(*PROMPT)
    assert again.stdout == done.stdout and len(policy.asked) == asked
    assert "drafted" not in again.stderr and "finished already" in again.stderr
    path.write_text("[It names two rivers., It names one lake.]")
    edited = improve(*PROMPT)
    assert edited.exit_code == 2 and f"{path} was edited since run '{run}' began with it" in edited.stderr
    assert f"Give it with --rubric {path}: that is another run." in edited.stderr
    given = improve(*PROMPT, "--rubric", path)
    assert given.exit_code == 0, given.stderr
    assert len(runs(tmp_path)) == 2


def test_a_run_that_was_cut_short_goes_on_with_the_rubric_that_it_drafted(
    improve: Any, policy: JudgeServer, tmp_path: Path
) -> None:
    def fails(body: Mapping[str, Any]) -> Fault:
        return error(503, "busy") if "<draft>" in str(body["messages"]) else mind(body)

    policy.judge = fails
    cut = improve(*PROMPT, "--max-retries", 0)
    assert cut.exit_code == 1, cut.stderr
    assert cut.stderr.endswith(f"is safe in {tmp_path}/runs/{runs(tmp_path)[0]}; the same command asks for the rest.\n")
    policy.judge, policy.asked = mind, []
    done = improve(*PROMPT, HERL_CACHE=str(tmp_path / "another"))
    assert (done.exit_code, done.stdout) == (0, f"{BETTER}\n"), done.stderr
    assert not any("Write the rubric" in str(body["messages"]) for body in policy.asked)


def test_a_run_that_starts_over_and_is_cut_short_goes_on_without_fresh(
    improve: Any, policy: JudgeServer, tmp_path: Path
) -> None:
    policy.judge = lambda body: error(503, "busy") if "<draft>" in str(body["messages"]) else mind(body)
    for flags in (["--input", "FOLDER/waters.jsonl"], WITH_JUDGES):  # one revision fails, or all that are asked for
        cut = improve(*flags, "--max-retries", 0, "--fresh")
        assert cut.exit_code == 1, cut.stderr
        assert "the same command without --fresh asks for the rest." in cut.stderr
    policy.judge, asked = mind, len(policy.asked)
    done = improve(*WITH_JUDGES)
    assert (done.exit_code, done.stdout) == (0, f"{BETTER}\n"), done.stderr
    assert ASKED not in [body["messages"][-1]["content"] for body in policy.asked[asked:]], "asked twice"


def test_what_was_deleted_of_a_finished_run_is_there_again(
    improve: Any, policy: JudgeServer, judge: JudgeServer, tmp_path: Path
) -> None:
    command = ["--input", "FOLDER/waters.jsonl", "--judge", f"{judge.url}#stern", "--run", "r"]
    assert improve(*command).exit_code == 0
    run, folder = tmp_path / "runs" / "r", tmp_path / "runs" / "r" / "input-waters"
    before = {path: path.read_text() for path in folder.iterdir()}
    for name in ("attempts.jsonl", "verdicts.jsonl", "preferences.jsonl", "samples.jsonl"):
        (folder / name).write_text("".join(before[folder / name].splitlines(keepends=True)[1:]))
        done = improve(*command)
        assert done.exit_code == 0 and "finished already" not in done.stderr, name
        assert sorted((folder / name).read_text().splitlines()) == sorted(before[folder / name].splitlines())
    asked = len(policy.asked) + len(judge.asked)
    for path in (run / "summary.md", run / "summary.csv", folder / "prompts.jsonl"):
        path.unlink()
    done = improve(*command)
    assert done.exit_code == 0 and "finished already" in done.stderr
    assert (run / "summary.md").exists() and (run / "summary.csv").exists()
    assert len(policy.asked) + len(judge.asked) == asked
    assert (folder / "prompts.jsonl").read_text() == before[folder / "prompts.jsonl"]


def test_for_an_oracle_the_judge_drafts(improve: Any, policy: JudgeServer, judge: JudgeServer) -> None:
    done = improve(*PROMPT, "--critic", "oracle", "--judge", f"{judge.url}#stern")
    assert (done.exit_code, done.stdout) == (0, f"{BETTER}\n"), done.stderr
    assert any("Write the rubric" in str(body["messages"]) for body in judge.asked)
    assert not any("Write the rubric" in str(body["messages"]) for body in policy.asked)
    assert "ORACLE" in done.stderr


def test_a_run_about_something_else_is_refused_before_a_rubric_is_drafted(
    improve: Any, policy: JudgeServer, tmp_path: Path
) -> None:
    assert improve(*WITH_CHECKS, "--critic", "oracle", "--run", "mine").exit_code == 0
    policy.asked = []
    done = improve("--prompt", "Name two lakes.", "--run", "mine")
    assert done.exit_code == 2 and "run 'mine' was started with" in done.stderr
    assert policy.asked == []


def test_of_rubrics_that_differ_late_the_difference_is_shown(improve: Any, tmp_path: Path) -> None:
    words = "".join(f"- It says {number}.\n" for number in range(20))
    flags = [*PROMPT, "--rubric", "FOLDER/long.yaml", "--run", "mine"]
    (tmp_path / "long.yaml").write_text(f"{words}- It is kind.\n")
    assert improve(*flags).exit_code == 0
    (tmp_path / "long.yaml").write_text(f"{words}- It is rude.\n")
    told = improve(*flags).stderr.splitlines()[0]
    assert 'kind."}]}, now it is ...' in told and told.endswith('rude."}]}') and len(told) < 200


def test_what_is_asked_of_the_critic_about_a_rubric_includes_the_system_message(
    improve: Any, policy: JudgeServer
) -> None:
    assert improve(*PROMPT, "--system", "You are a geographer.").exit_code == 0
    [draft] = [body for body in policy.asked if "Write the rubric" in str(body["messages"])]
    assert "You are a geographer." in str(draft["messages"])
