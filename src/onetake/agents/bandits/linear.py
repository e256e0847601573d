"""What the linear bandits share: a ridge regression for every learner and arm, kept in the core as a small factor."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onetake import _core
from onetake.agents.bandits.choice import best, even, mixed, replaced, sample
from onetake.agents.bandits.luck import Luck
from onetake.agents.bandits.outcomes import Outcomes, bounds_reason
from onetake.agents.base import AbstractAgent
from onetake.agents.checks import check_choice, check_number
from onetake.draws import thread_count
from onetake.errors import ConfigError, ShapeError
from onetake.types import BatchSpec, Float64, Int64, Observation, Transitions

#: Slots of the draws: uniform play or the choice by chances, ties, and what an arm's score needs.
MIX, TIE, ARM = 0, 1, 2


@dataclass(eq=False)
class AbstractLinearBandit(AbstractAgent):
    """Predicts the reward of each arm by ridge regression on the context, with the width of what is not known.

        A = λI + Σ x xᵀ,   θ = A⁻¹ Σ r x,   mean = θᵀx,   width = sqrt(xᵀ A⁻¹ x)

    ``model`` says what a regression is: ``disjoint``, one for each arm; ``hybrid``, one for all arms whose features
    are the context and, again, the context of the arm (Li et al. 2010, equation 6, with all features shared). Rewards
    are scaled to [0, 1] by the bounds of the batch where it has finite ones. Draws and predictions have the same bytes
    on every machine, since the factor of A is the core's own.
    """

    def _check_settings(self) -> None:
        check_number("ridge", self._own("ridge"), 0, above=True)
        check_choice("model", self._own("model"), ("disjoint", "hybrid"))
        check_number("floor", self._own("floor"), 0, 1)
        check_choice("pooling", self._own("pooling"), ("none", "full"))

    def _own(self, name: str) -> Any:
        return getattr(self, name)

    @abstractmethod
    def _odds(self, observation: Observation) -> Float64:
        """Chances of the arms ``(m, k)`` when exploring, before any floor; 0 where not allowed."""

    def _drawn(self, mean: Float64, width: Float64, observation: Observation) -> Float64 | None:
        """Scores ``(m, k)`` whose best is played when exploring; None where the chances themselves are drawn from."""
        return None

    def _bonus(self) -> float | None:
        """Factor of the width where the score is mean plus factor times width; None where it is something else."""
        return None

    def _epsilon(self) -> float:
        return 0.0

    def _copies(self) -> int:
        """Regressions of a learner and arm."""
        return 1

    def _start(self, spec: BatchSpec, seed: int) -> None:
        self._luck = Luck.of(spec, seed)
        hybrid = self._own("model") == "hybrid"
        self._width = 1 if hybrid else spec.num_actions
        self._context = len(spec.observation_names) + int(self._own("intercept"))
        every = np.arange(spec.num_envs, dtype=np.int64)
        self._learner = every // len(spec.entity_ids) if self.coupling == "replicate" else every
        features = self._context * (1 + spec.num_actions) if hybrid else self._context
        models = (int(self._learner[-1]) + 1) * self._width * self._copies()
        self._core = _core.Linear(models, features, float(self._own("ridge")))

    def supports(self, spec: BatchSpec) -> str | None:
        """Why the agent cannot play this batch, or None if it can."""
        reason = super().supports(spec)
        if reason is None and not spec.observation_names and not self._own("intercept"):
            return "observation_names: got none and no intercept; wanted a feature"
        return reason

    def _decide(self, observation: Observation, explore: bool) -> Int64:
        factor = self._bonus() if explore else 0.0
        epsilon, floor = self._shares(explore)
        action: Int64 | None = None
        if factor is not None:
            action = self._quick(observation, factor)
        if action is None:
            scores = self._scores(observation, explore)
            if scores is None:
                chances = mixed(self._odds(observation), observation.mask, epsilon, floor)
                return sample(chances, self._uniform(observation, MIX))
            action = best(scores, observation.mask, self._uniform(observation, TIE))
        if epsilon == 0.0 and floor == 0.0:
            return action
        luck = self._uniform(observation, MIX)
        return replaced(action, luck, observation.mask, self.spec.num_actions, epsilon, floor)

    def _quick(self, observation: Observation, factor: float) -> Int64 | None:
        """The best arm of each row without leaving the core, or None where some are equal."""
        if self._own("model") == "hybrid" or self._copies() > 1:
            return None
        group, x = self._asked(observation)
        action, single = self._core.best(group, self._width, x, factor, observation.mask, thread_count())
        return action if single else None

    def _scores(self, observation: Observation, explore: bool) -> Float64 | None:
        mean, width = self._predict(observation)
        if not explore:
            return mean
        factor = self._bonus()
        return self._drawn(mean, width, observation) if factor is None else mean + factor * width

    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        chances = self._odds(observation) if explore else even(self._predict(observation)[0], observation.mask)
        return mixed(chances, observation.mask, *self._shares(explore))

    def _shares(self, explore: bool) -> tuple[float, float]:
        return (self._epsilon(), float(self._own("floor"))) if explore else (0.0, 0.0)

    def _uniform(self, observation: Observation, slot: int) -> Float64:
        return self._luck.uniform(observation.step, slot=slot, rows=observation.rows)

    def _asked(self, observation: Observation) -> tuple[Int64, Float64]:
        group = self._learner if observation.rows is None else self._learner[observation.rows]
        return group, self._features("values", observation.values, len(group))

    def _features(self, name: str, values: NDArray[Any], count: int) -> Float64:
        """Contexts ``(m, d)``, with a 1 before them where there is an intercept."""
        wide = len(self.spec.observation_names)
        if values.shape != (count, wide):
            raise ShapeError(f"{name}: got shape {values.shape}; wanted ({count}, {wide}) as at begin")
        x = np.ones((count, self._context))
        x[:, self._context - wide :] = values
        if not np.isfinite(x).all():
            row = int(np.argmin(np.isfinite(x).all(axis=1)))
            raise ShapeError(f"{name}: got a number that is not finite in row {row}; wanted finite contexts")
        return x

    def _predict(self, observation: Observation) -> tuple[Float64, Float64]:
        """Mean and width of the reward of every arm ``(m, k)``."""
        group, x = self._asked(observation)
        return self._predict_group(group, x)

    def _predict_group(self, group: Int64, x: Float64) -> tuple[Float64, Float64]:
        if self._own("model") == "disjoint":
            return self._core.predict(group, self._width, x, thread_count())
        arms = self.spec.num_actions
        pairs = self._crossed(np.repeat(x, arms, axis=0), np.tile(np.arange(arms), len(x)))
        mean, width = self._core.predict(np.repeat(group, arms), 1, pairs, thread_count())
        return mean.reshape(-1, arms), width.reshape(-1, arms)

    def _crossed(self, x: Float64, action: Int64) -> Float64:
        """Features of the hybrid model: the context, and again in the place of its arm."""
        out = np.zeros((len(x), self._context * (1 + self.spec.num_actions)))
        out[:, : self._context] = x
        place = (1 + action[:, None]) * self._context + np.arange(self._context)
        np.put_along_axis(out, place, x, axis=1)
        return out

    def _taught(self, outcomes: Outcomes, obs: NDArray[Any]) -> tuple[Int64, Int64, Float64]:
        """Of each outcome: the group of models, the place of its own model within a group, and features."""
        x = self._features("obs", obs, len(outcomes.row))
        group = self._learner[outcomes.row]
        if self._own("model") == "hybrid":
            return group, np.zeros_like(group), self._crossed(x, outcomes.action)
        return group, outcomes.action, x

    def _value(self, outcomes: Outcomes) -> Float64:
        return outcomes.scaled(self.spec) if bounds_reason(self.spec) is None else outcomes.reward

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        outcomes = Outcomes.of(self.spec, transitions)
        reward = self._value(outcomes)
        group, place, x = self._taught(outcomes, transitions.obs)
        self._core.learn(group * self._width + place, x, reward, np.ones(len(reward)))
        return {}

    def _widened(self, name: str, old: NDArray[Any], fresh: NDArray[Any]) -> NDArray[Any]:
        if self._own("model") == "hybrid":
            raise ConfigError("add_action: got a hybrid model, whose regression has all arms in one; wanted disjoint")
        size, arms = fresh.shape[1], self.spec.num_actions
        out = fresh.reshape(-1, arms, size).copy()
        out[:, : arms - 1] = old.reshape(-1, arms - 1, size)
        return out.reshape(fresh.shape)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {"factors": self._core.factors()}

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._core.restore(np.ascontiguousarray(arrays["factors"], dtype=np.float64))

    def __getstate__(self) -> dict[str, Any]:
        # The core's models are made anew from the batch and their factors.
        state = {name: value for name, value in vars(self).items() if name != "_core"}
        return state | ({"_factors": self._core.factors()} if "_core" in vars(self) else {})

    def __setstate__(self, state: dict[str, Any]) -> None:
        factors = state.pop("_factors", None)
        vars(self).update(state)
        if factors is not None:
            self._start(self.spec, self._seed)
            self._core.restore(factors)
