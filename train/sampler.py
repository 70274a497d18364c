"""What draws from the policy: requests stream in while answers stream out, so that revisions join a running batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from herl.closing import Closing
from herl.engine.base import Answer, Request

if TYPE_CHECKING:
    from herl.train.policy import Policy


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

    def run(self, feed: Feed) -> None:
        """Answer all that the feed has, and all that it gets meanwhile.

        Raises:
            HerlError: nothing can be drawn.
        """
        ...
