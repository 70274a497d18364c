"""The model that answers: drafts go in, attempts come out, and each is on the disk before anything else is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from herl.benchmarks.conversation import prompt_hash
from herl.benchmarks.graded import answer_row
from herl.cache import CompletionCache
from herl.engine.base import Engine, Failure, Request
from herl.item import Completion, Message, Sampling
from herl.rows import Row
from herl.selfimprove.journal import Journal
from herl.selfimprove.trial import BASE, Attempt
from herl.selfimprove.turns import load

_REFUSED = (400, 413, 422)  # HTTP statuses that say that a request, not the server, is at fault

Tick = Callable[[int], None]
"""Told about each answer that is there, with its generated tokens."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer to draw.

    Args:
        arm: Who draws it.
        item_id: For which item.
        round: In which round.
        candidate: Which of the round's, from 0.
        messages: What is asked.
        sampling: How, seed included.
    """

    arm: str
    item_id: str
    round: int
    candidate: int
    messages: tuple[Message, ...]
    sampling: Sampling

    @property
    def key(self) -> tuple[str, str, int, int]:
        """Its place in the journal."""
        return self.arm, self.item_id, self.round, self.candidate


class Author:
    """Draws answers, each at most once.

    Args:
        engine: The model. The author does not close it.
        journal: What is there, and where answers go.
        cache: Answers bought by earlier runs; None asks for all anew.
    """

    def __init__(self, engine: Engine, journal: Journal, cache: CompletionCache | None = None) -> None:
        self._engine = engine
        self._journal = journal
        self._cache = cache

    def write(self, drafts: Sequence[Draft], tick: Tick | None = None) -> dict[Draft, Attempt | Failure]:
        """Draw what is not there yet, all of it in one batch.

        Args:
            drafts: What to draw; all of one arm.
            tick: Told about each; what was there before took no tokens now.

        Returns:
            For every draft its attempt, or why there is none yet.

        Raises:
            HerlError: the engine cannot go on; answers that were there by then are kept.
        """
        found: dict[Draft, Attempt | Failure] = {}
        pending: dict[Request, Draft] = {}
        for draft in drafts:
            row = self._journal.attempts.get(draft.key)
            if row is not None and _answers(row, draft):
                found[draft] = _attempt(row)
                if tick:
                    tick(0)
            else:
                pending[Request(draft.item_id, draft.candidate, draft.messages, draft.sampling)] = draft
        for request, completion in self._bought(pending).items():
            draft = pending.pop(request)
            found[draft] = self._keep(draft, answer_row(request, completion), tick)
        if pending:
            load(self._engine)
            with (
                self._journal.timed(drafts[0].arm, "generate") as meter,
                closing(self._engine.generate(list(pending))) as answers,
            ):
                for answer in answers:
                    draft, result = pending[answer.request], answer.result
                    if isinstance(result, Failure):
                        found[draft] = result
                        continue
                    if self._cache:
                        self._cache.put(self._engine.fingerprint, answer.request, result)
                    meter.tokens += result.usage.completion_tokens
                    found[draft] = self._keep(draft, answer_row(answer.request, result), tick)
        return found | self._refused(found, tick)

    def there(self, arm: str, item_id: str, number: int) -> Attempt:
        """An attempt that was written before, the first of its round.

        Raises:
            KeyError: it was not.
        """
        return _attempt(self._journal.attempts[arm, item_id, number, 0])

    def _refused(self, found: Mapping[Draft, Attempt | Failure], tick: Tick | None) -> dict[Draft, Attempt]:
        """Errors in the place of requests that the server will not take, which are not asked for again.

        It takes others (for revisions, it took the plain request), so that it is these conversations that it refuses;
        one may be too long, say. Where it takes none, a setting may be wrong, and they stay failures.
        """
        if all(draft.arm == BASE for draft in found) and not any(isinstance(each, Attempt) for each in found.values()):
            return {}
        kept = {}
        for draft, result in found.items():
            if isinstance(result, Failure) and result.status in _REFUSED:
                request = Request(draft.item_id, draft.candidate, draft.messages, draft.sampling)
                error = Completion("", "error", seed=draft.sampling.seed, error=result.reason)
                kept[draft] = self._keep(draft, answer_row(request, error), tick)
        return kept

    def _bought(self, pending: dict[Request, Draft]) -> dict[Request, Completion]:
        return self._cache.get_many(self._engine.fingerprint, list(pending)) if self._cache and pending else {}

    def _keep(self, draft: Draft, row: Row, tick: Tick | None) -> Attempt:
        row = {"arm": draft.arm, "id": row["id"], "sample": row["sample"], "round": draft.round, **row}
        self._journal.add_attempt(row)
        if tick:
            tick(row["usage"]["completion_tokens"])
        return _attempt(row)


def _answers(row: Row, draft: Draft) -> bool:
    """Whether a row is the draft's: not one to another prompt, from before somebody deleted a row it rested on."""
    return bool(row["seed"] == draft.sampling.seed and row["prompt_hash"] == prompt_hash(draft.messages))


def _attempt(row: Row) -> Attempt:
    return Attempt(row["arm"], row["round"], row["sample"], row)
