"""Parts of a buffer: prioritization, hindsight, demonstrations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from onetake.replay.buffer import ReplayBuffer

#: ``(achieved_goal (n, …), desired_goal (n, …), info) -> (n,)``, for a whole batch at once.
GoalFunction = Callable[[Any, Any, Any], Any]


@dataclass(frozen=True)
class Priorities:
    """Proportional prioritization: a transition is drawn with a chance in proportion to ``(priority + epsilon)^alpha``.

    New transitions get the largest priority that was ever given, 1 before the first. The draws are stratified; a batch
    keeps its size, and a transition may stand in it twice. Weights are ``(held * chance)^-beta``, divided by the
    largest of the batch.

    Args:
        alpha: how much priorities count: 0 draws uniformly, 1 in proportion.
        beta: how much of the bias the weights take away in the first batch.
        beta_batches: batches until they take away all of it: beta rises to 1 in a straight line.
        epsilon: added to every priority, so that none is 0.

    Source: Schaul et al. 2016, *Prioritized experience replay*, section 3.3 (proportional variant, stratified draws).
    """

    alpha: float = 0.6
    beta: float = 0.4
    beta_batches: int = 100_000
    epsilon: float = 1e-6


@dataclass(frozen=True)
class Hindsight:
    """Hindsight: of ``goals + 1`` transitions, ``goals`` get a goal that their own episode reached.

    Observations are dicts with ``achieved_goal`` and ``desired_goal``. *future* takes the goal from what was reached by
    the transition itself or a later one of its episode, *final* from the last, *episode* from any; what was reached
    **before** a transition is never the goal of a *future* one. Episodes that still run count as far as they went.

    Args:
        compute_reward: rewards of a whole batch, as the method of that name of Gymnasium-Robotics' ``GoalEnv``:
            ``(achieved_goal (n, …), desired_goal (n, …), info) -> (n,)``; ``info`` is an empty dict.
        strategy: where goals come from.
        goals: transitions with another goal for each with its own (k in the paper).
        compute_terminated: whether reaching a goal ends an episode, in the same form; without it, the ends that were
            recorded stand.

    Source: Andrychowicz et al. 2017, *Hindsight experience replay*, section 4.5.
    """

    compute_reward: GoalFunction
    strategy: Literal["future", "final", "episode"] = "future"
    goals: int = 4
    compute_terminated: GoalFunction | None = None


@dataclass(frozen=True)
class Demonstrations:
    """Transitions of a teacher, of which every batch holds some, marked in `Batch.demonstration`.

    Args:
        buffer: holds them, so that nothing that is lived through drives them out.
        batch_size: how many stand behind the own transitions of each batch.
    """

    buffer: ReplayBuffer
    batch_size: int
