"""Asks an LLM judge, again where that may help, and says what came of every question."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace

from herl.cache import CompletionCache
from herl.closing import Closing
from herl.engine.base import Answer, Engine, Failure, Request
from herl.item import Completion, Item, Message, Sampling, Usage, draw_seed
from herl.judge.examples import Example, example_turns
from herl.judge.prompt import JudgePrompt, Question, questions_about
from herl.judge.reading import Reading, read_result
from herl.rubric import Outcome, Verdict

_REMINDERS = {
    Outcome.PARSE_ERROR: "An earlier reply to this could not be read.",
    Outcome.REFUSAL: "An earlier reply to this held no verdict. You only judge a text; you need not agree with it.",
    Outcome.TRUNCATED: "An earlier reply to this was cut off before its end. Be brief.",
}


@dataclass(frozen=True, slots=True)
class Ruling:
    """What came of one question.

    Args:
        question: The question.
        verdicts: One per criterion of the question, in its order: scored, or the reason for abstaining.
        usage: Tokens of all calls that it took. A reply from the cache counts with what it took when it was
            bought, so that a resumed run tells the same totals; one that equal questions share counts for each.
        calls: How many calls that were, retries included.
        reply: The judge's last words, for people.
    """

    question: Question
    verdicts: tuple[Verdict, ...]
    usage: Usage
    calls: int
    reply: str


@dataclass(frozen=True, slots=True)
class _Case:
    """A question on its way to a ruling.

    Args:
        question: The question.
        max_tokens: How long the next reply may be.
        trouble: What was wrong with the last reply; None before the first.
        usage: Tokens so far.
        calls: Calls so far.
    """

    question: Question
    max_tokens: int
    trouble: Outcome | None = None
    usage: Usage = field(default_factory=Usage)
    calls: int = 0


class Judge(Closing):
    """An LLM that decides criteria.

    Questions are asked in rounds: all of them once, then those again whose reply was cut off, refused or
    could not be read, and so on. A round is handed to the engine as a whole, so the engine keeps as many
    calls in flight as it may; a retry waits for the end of its round. A retry is never the same call: it
    ends with a reminder of the form, has a seed of its own and, after a reply that was cut off, twice the
    room. What has no verdict after the last round abstains with the last reply's trouble.

    A failure of transport is not asked again here, for the engine has done so; it abstains as such, and can
    be asked for later. Equal questions (the same answer to the same item, whichever sample it is) share one
    reply, and every reply is kept in the cache and read anew from there.

    Args:
        engine: The model that judges.
        prompt: How it is asked.
        seed: The run's seed.
        cache: Replies that were bought before; None asks for all anew.
        attempts: Most calls for one question.
        examples: Judgements labelled by people, shown before each question.
        sampling: How the judge draws; None as the prompt says. Seed and schema are set for each call.

    Attributes:
        generated: Tokens that its engine generated so far; replies from the cache are none of them.

    Raises:
        ValueError: no attempt is allowed.
    """

    def __init__(
        self,
        engine: Engine,
        prompt: JudgePrompt,
        *,
        seed: int = 0,
        cache: CompletionCache | None = None,
        attempts: int = 3,
        examples: Sequence[Example] = (),
        sampling: Sampling | None = None,
    ) -> None:
        if attempts < 1:
            raise ValueError(f"a judge needs at least one attempt, not {attempts}")
        self.generated = 0
        self._engine = engine
        self._prompt = prompt
        self._seed = seed
        self._cache = cache
        self._attempts = attempts
        self._examples = tuple(examples)
        self._sampling = sampling or prompt.sampling

    @property
    def engine(self) -> Engine:
        """The model that judges."""
        return self._engine

    @property
    def prompt(self) -> JudgePrompt:
        """How it is asked."""
        return self._prompt

    @property
    def sampling(self) -> Sampling:
        """How it draws."""
        return self._sampling

    @property
    def fingerprint(self) -> str:
        """What identifies the judge's verdicts: model, prompt, sampling and examples.

        Raises:
            HerlError: a server must be asked for its model and does not answer.
        """
        drawn = [self._sampling.as_dict(), [asdict(example) for example in self._examples]]
        digest = hashlib.sha256(json.dumps(drawn, sort_keys=True).encode()).hexdigest()[:16]
        return f"{self._engine.fingerprint} judging {self._prompt.name}/{self._prompt.version} {digest}"

    def asked_with(self, prompt: JudgePrompt) -> Judge:
        """The same judge, asked with another prompt; without examples, which are worded for one prompt."""
        return Judge(
            self._engine, prompt, seed=self._seed, cache=self._cache, attempts=self._attempts, sampling=self._sampling
        )

    def questions(self, item: Item, sample: int, messages: Sequence[Message], answer: str) -> list[Question]:
        """What there is to ask about an answer; see `questions_about`."""
        return questions_about(self._prompt, item, sample, messages, answer)

    def requests(self, questions: Sequence[Question]) -> list[Request]:
        """The first call for each question, in their order, for an estimate of what they need.

        Raises:
            UsageError: an example does not fit the prompt.
        """
        return [self._request(self._case(question)) for question in questions]

    def decide(self, questions: Sequence[Question]) -> Generator[Ruling, None, None]:
        """Ask all questions, yielding each ruling as it is final, in any order.

        Raises:
            UsageError: an example does not fit the prompt.
            HerlError: the engine cannot go on; rulings that were final by then have been yielded.
        """
        waiting = [self._case(question) for question in questions]
        for attempt in range(1, self._attempts + 1):
            by_request: dict[Request, list[_Case]] = defaultdict(list)
            for case in waiting:
                by_request[self._request(case)].append(case)
            waiting = []
            with closing(self._answers(list(by_request))) as answers:
                for answer in answers:
                    for case in by_request[answer.request]:
                        reading = self._read(case, answer)
                        later = _after(case, answer.result, reading)
                        if reading.trouble and attempt < self._attempts:
                            waiting.append(later)
                        else:
                            yield _ruling(later, answer.result, reading)

    def close(self) -> None:
        """Free the engine's memory and connections; safe to call twice."""
        self._engine.close()

    def _case(self, question: Question) -> _Case:
        return _Case(question, self._sampling.max_tokens)

    def _request(self, case: _Case) -> Request:
        question = case.question
        schema = json.dumps(self._prompt.schema(question), ensure_ascii=False)
        name = f"{question.item.id}: {', '.join(criterion.id for criterion in question.criteria)}"
        # The sample's number is no part of it: the same answer gets the same verdict, and is paid for once.
        seed = draw_seed(self._seed, name, 0, f"judge-{case.calls}")
        sampling = replace(self._sampling, max_tokens=case.max_tokens, seed=seed, schema=schema)
        return Request(name, 0, self._messages(case, schema), sampling)

    def _messages(self, case: _Case, schema: str) -> tuple[Message, ...]:
        asked = self._prompt.messages(case.question)
        if case.trouble:
            *before, last = asked
            asked = (*before, Message(last.role, last.content + _reminder(case, schema)))
        duties = [message for message in asked if message.role == "system"]
        turns = [message for message in asked if message.role != "system"]
        return (*duties, *example_turns(self._prompt, case.question, self._examples), *turns)

    def _read(self, case: _Case, answer: Answer) -> Reading:
        shown = "\n".join(message.content for message in answer.request.messages)
        return read_result(case.question, self._prompt, answer.result, shown)

    def _answers(self, requests: Sequence[Request]) -> Generator[Answer, None, None]:
        """Answers from the cache first, then from the engine; what the engine gives is cached."""
        fingerprint = self.fingerprint if self._cache and requests else ""
        bought = self._cache.get_many(fingerprint, requests) if self._cache else {}
        yield from (Answer(request, bought[request]) for request in requests if request in bought)
        rest = [request for request in requests if request not in bought]
        if not rest:
            return
        # Closed at once when the caller stops early, so that the engine drops what is unfinished.
        with closing(self._engine.generate(rest)) as fresh:
            for answer in fresh:
                if isinstance(answer.result, Completion):
                    self.generated += answer.result.usage.completion_tokens
                    if self._cache:
                        self._cache.put(fingerprint, answer.request, answer.result)
                yield answer


def _ruling(case: _Case, result: Completion | Failure, reading: Reading) -> Ruling:
    reply = "" if isinstance(result, Failure) else result.text
    return Ruling(case.question, reading.verdicts, case.usage, case.calls, reply)


def _after(case: _Case, result: Completion | Failure, reading: Reading) -> _Case:
    """The case with one more call behind it."""
    spent = Usage() if isinstance(result, Failure) else result.usage
    room = 2 if reading.trouble is Outcome.TRUNCATED else 1
    return replace(
        case,
        trouble=reading.trouble,
        max_tokens=case.max_tokens * room,
        calls=case.calls + 1,
        usage=Usage(
            case.usage.prompt_tokens + spent.prompt_tokens, case.usage.completion_tokens + spent.completion_tokens
        ),
    )


def _reminder(case: _Case, schema: str) -> str:
    """What a retry says at its end; its number keeps a greedy judge from repeating itself."""
    assert case.trouble is not None
    form = "Reply with one JSON object that follows this schema, and with nothing before or after it"
    return f"\n\n({_REMINDERS[case.trouble]} This is call {case.calls + 1}.) {form}:\n{schema}"
