"""What it saves that revisions join the running batch: a step's drawing, streamed against in two phases.

Run: .venv/bin/python tests/perf/streamed_revisions.py [ROUNDS]
The demo model draws 8 prompts of make-if, 4 rollouts each of at most 96 tokens, and revises one failure of each group.
Both ways draw the same answers, in one process and in alternating order, with the policy's own model; one warm-up is
left out. In two phases, as the reference does it, no revision begins before the last rollout has ended. Prints the
seconds of each round and the ratio of the medians (below 1: streaming is quicker).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from herl.engine import hardware
from herl.engine.base import Request
from herl.item import Item
from herl.resources import Store
from herl.train import loop
from herl.train.config import Config
from herl.train.grading import Grading
from herl.train.journal import Journal
from herl.train.policy import Policy
from herl.train.rollout import RolloutFeed
from herl.train.sampler import open_sampler
from herl.train.synth.make import prompts

CONFIG = Config.model_validate(
    {
        "model": "demo",
        "device": "cpu",
        "dtype": "float32",
        "data": {"train": "make-if"},
        "rollout": {"prompts_per_step": 8, "rollouts_per_prompt": 4, "max_tokens": 96, "engine": "transformers"},
        "hindsight": {"form": "brief", "top_k": 1},
    }
)


class TwoPhases(RolloutFeed):
    """Keeps revisions back until every rollout has ended."""

    def take(self, *, idle: bool) -> Sequence[Request]:
        """What may be drawn by now."""
        ready = super().take(idle=idle)
        if not idle and not self._plain_to_come:
            return ready
        held = [request for request in ready if self._asked[request].key.purpose == "revision"]
        if idle or not held:
            return ready
        self._ready = held
        return [request for request in ready if request not in held]


def draw(feed_kind: type[RolloutFeed], policy: Policy, items: Sequence[Item], grading: Grading) -> tuple[float, int]:
    """Seconds that a step's drawing takes, and the tokens that it draws."""
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder)) as journal, open_sampler(policy, CONFIG) as own:
        training = loop.Training("herl", CONFIG, policy, own, grading, journal)
        begin = time.perf_counter()
        feed = feed_kind(items, loop.asking(training, 1), grading, journal)
        own.run(feed)
        groups = feed.groups()
        seconds = time.perf_counter() - begin
    drawn = [each for group in groups for each in (*group.rollouts, *group.revisions)]
    return seconds, sum(each.completion.usage.completion_tokens for each in drawn)


def main(rounds: int) -> None:
    """Draw both ways and print what came of it."""
    items = prompts(8, 0, types=["ifeval"])
    ways: dict[str, type[RolloutFeed]] = {"streamed": RolloutFeed, "two phases": TwoPhases}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    with Policy(CONFIG, 1) as policy, Grading(None) as grading:
        grading.prepare("prompts", items, Store())
        draw(RolloutFeed, policy, items, grading)
        for number in range(rounds):
            found = {}
            for way in list(ways)[:: 1 if number % 2 else -1]:
                taken, found[way] = draw(ways[way], policy, items, grading)
                seconds[way].append(taken)
            assert len(set(found.values())) == 1, "the two ways drew different answers"
            print({way: round(each[-1], 2) for way, each in seconds.items()}, found["streamed"], "tokens", flush=True)
    streamed, phases = (statistics.median(seconds[way]) for way in ways)
    print(f"streamed / two phases = {streamed:.2f} / {phases:.2f} s = {streamed / phases:.3f}")


if __name__ == "__main__":
    hardware.prepare_threads()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
