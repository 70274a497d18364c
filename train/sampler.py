"""What draws from the policy: requests stream in while answers stream out, so that revisions join a running batch."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from herl.closing import Closing
from herl.engine import INSTALL, engine_trouble
from herl.engine.base import Answer, Request
from herl.errors import UsageError

if TYPE_CHECKING:
    from herl.train.config import Config
    from herl.train.policy import Policy


class Take(Protocol):
    """Where requests come from: `Feed.take`."""

    def __call__(self, *, idle: bool) -> Sequence[Request]:
        """The requests that are ready by now; none at all while idle means that the work is done."""
        ...


class Feed(Protocol):
    """Where a sampler's requests come from and its answers go; called from the sampler's own thread only."""

    def take(self, *, idle: bool) -> Sequence[Request]:
        """The requests that are ready by now.

        Args:
            idle: Nothing is being drawn: wait until there are some, or until none will come.

        Returns:
            New requests. None at all while idle means that the work is done.
        """
        ...

    def put(self, answer: Answer) -> None:
        """An answer, as soon as it is finished; it may make new requests ready."""
        ...


class Sampler(Closing, Protocol):
    """Draws answers from the policy as it is now.

    Every completion has `prompt_ids`, `token_ids`, `logprobs` (of the sampled tokens, under the distribution that
    they were drawn from, temperature included) and `weight_version`. A draw depends on its request's seed and on
    the weights, not on what is drawn beside it.

    Attributes:
        context: The longest sequence, prompt and answer together, in tokens.
    """

    context: int

    def publish(self, policy: Policy, version: int) -> None:
        """Take the policy's weights as they are now.

        Args:
            policy: The policy that is trained.
            version: How many updates they have seen.

        Raises:
            HerlError: the sampler's log-probabilities afterwards are not the policy's (the canary).
        """
        ...

    def draw(self, take: Take) -> Generator[Answer]:
        """Answer all that is taken, and all that is taken meanwhile.

        Closing the generator drops what is unfinished; the sampler can be used again.

        Args:
            take: Asked before each token for new requests.

        Yields:
            Answers as they finish. A request that the policy can never answer (its prompt is too long) gets a
            `Completion` with finish_reason "error".

        Raises:
            HerlError: nothing can be drawn.
        """
        ...

    def try_export(self, policy: Policy, folder: Path) -> None:
        """Load what was saved, as its users will, and see that it is the policy; then publish again.

        A sampler without weights of its own has nothing to load.

        Args:
            policy: That saved it, unchanged since.
            folder: An ordinary Hugging Face folder.

        Raises:
            HerlError: it cannot be loaded, or its log-probabilities are not the policy's.
        """
        return

    def run(self, feed: Feed) -> None:
        """Answer all that the feed has, and all that it gets meanwhile.

        Raises:
            HerlError: nothing can be drawn.
        """
        with closing(self.draw(feed.take)) as answers:
            for answer in answers:
                feed.put(answer)


def open_sampler(policy: Policy, config: Config) -> Sampler:
    """What draws from a policy, as `rollout.engine` says. It has no weights before the first `publish`.

    "auto" takes vLLM on a GPU where it is installed. On a CPU it takes the policy's own model, which draws the same
    bits after a restart, whatever is drawn beside, and is there without half a minute of loading.

    Raises:
        UsageError: vLLM is asked for and does not work here.
        HerlError: the model cannot be drawn from.
    """
    wanted = config.rollout.engine
    trouble = engine_trouble("vllm", policy.device)
    if wanted == "vllm" and trouble:
        raise UsageError(f"rollout.engine = 'vllm' cannot be used: {trouble}", INSTALL["vllm"])
    if wanted == "vllm" or (wanted == "auto" and policy.device == "cuda" and not trouble):
        from herl.train.vllm_sampler import VLLMSampler

        return VLLMSampler(policy, config)
    from herl.train.live import LiveSampler

    return LiveSampler(policy, config.model)
