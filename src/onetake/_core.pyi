from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__version__: str
__source__: str

def philox_block(counter: list[int], key: list[int]) -> list[int]: ...
def words(
    seed: int, stream: int, slot: int, attempt: int, step: int, replicate: int, entity: int, len: int
) -> NDArray[np.uint32]: ...
def exp(values: NDArray[np.float64]) -> NDArray[np.float64]: ...
def log(values: NDArray[np.float64]) -> NDArray[np.float64]: ...
def power(base: NDArray[np.float64], exponent: NDArray[np.float64]) -> NDArray[np.float64]: ...
def totals(values: NDArray[np.float64], length: int) -> NDArray[np.float64]: ...

@final
class DrawBatch:
    def __new__(
        cls,
        seed: int,
        stream: int,
        first_entity: int,
        entities: int,
        first_replicate: int,
        replicates: int,
        threads: int,
    ) -> DrawBatch: ...
    def uniform(self, at: tuple[int, int], rows: NDArray[np.int64] | None, width: int) -> NDArray[np.float64]: ...
    def normal(
        self,
        at: tuple[int, int],
        rows: NDArray[np.int64] | None,
        mean: NDArray[np.float64],
        scale: NDArray[np.float64],
    ) -> NDArray[np.float64]: ...
    def bernoulli(
        self, at: tuple[int, int], rows: NDArray[np.int64] | None, p: NDArray[np.float64]
    ) -> NDArray[np.bool_]: ...
    def binomial(
        self,
        at: tuple[int, int],
        rows: NDArray[np.int64] | None,
        n: NDArray[np.int64],
        p: NDArray[np.float64],
    ) -> NDArray[np.int64]: ...
    def poisson(
        self, at: tuple[int, int], rows: NDArray[np.int64] | None, rate: NDArray[np.float64]
    ) -> NDArray[np.int64]: ...
    def gamma(
        self,
        at: tuple[int, int],
        rows: NDArray[np.int64] | None,
        shape: NDArray[np.float64],
        scale: NDArray[np.float64],
    ) -> NDArray[np.float64]: ...
    def beta(
        self,
        at: tuple[int, int],
        rows: NDArray[np.int64] | None,
        a: NDArray[np.float64],
        b: NDArray[np.float64],
    ) -> NDArray[np.float64]: ...
    def categorical(
        self, at: tuple[int, int], rows: NDArray[np.int64] | None, probabilities: NDArray[np.float64]
    ) -> NDArray[np.int64]: ...

def family_names() -> list[str]: ...

@final
class VecSim:
    def __new__(
        cls,
        family: str,
        config: str,
        columns: list[tuple[str, NDArray[np.float64]]],
        entities: int,
        replicates: int,
        first_entity: int,
        first_replicate: int,
        seed: int,
        mode: str,
        threads: int,
    ) -> VecSim: ...
    @property
    def started(self) -> bool: ...
    @property
    def clock(self) -> int: ...
    def spec(self) -> str: ...
    def config(self) -> str: ...
    def reward_bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
    def count_reward(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None: ...
    def elapsed(self) -> NDArray[np.int64]: ...
    def reset(self, seed: int | None = None) -> NDArray[np.float32]: ...
    def reset_rows(self, mask: NDArray[np.bool_]) -> NDArray[np.float32]: ...
    def step(
        self, actions: Any
    ) -> tuple[
        NDArray[np.float32],
        NDArray[np.float64],
        NDArray[np.bool_],
        NDArray[np.bool_],
        tuple[NDArray[np.uint32], NDArray[np.float32]] | None,
    ]: ...
    def reset_one(self, seed: int | None = None) -> NDArray[np.float32]: ...
    def step_one(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]: ...
    def expected(self) -> NDArray[np.float64]: ...
    def values(self) -> NDArray[np.float64]: ...
    def start_values(self) -> dict[str, NDArray[np.float64]] | None: ...
    def whittle(self, discount: float) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]] | None: ...
    def allowed(self) -> NDArray[np.bool_] | None: ...
    def masks(self) -> bool: ...
    def budget(self) -> tuple[int, bool] | None: ...
    def excess(self) -> NDArray[np.int64]: ...
    def account(self, action: Any, greedy: Any | None = None) -> dict[str, NDArray[np.float64]]: ...
    def track_fixed(self) -> None: ...
    def fixed_totals(self) -> NDArray[np.float64]: ...
    def save(self) -> bytes: ...
    def restore(self, bytes: bytes) -> None: ...
    def fork(self, seed: int | None = None) -> VecSim: ...

@final
class Fleet:
    def __new__(
        cls,
        seed: int,
        entity_ids: NDArray[np.uint32],
        replicate_ids: NDArray[np.uint32],
        num_actions: int,
        pooled: bool,
        trials: NDArray[np.float64],
        counts: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
        bounds: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
    ) -> Fleet: ...
    def decide(
        self,
        rule: tuple[str, float, float],
        step: int,
        rows: NDArray[np.int64] | None,
        mask: NDArray[np.bool_] | None,
        epsilon: float,
        floor: float,
        threads: int,
    ) -> NDArray[np.int64]: ...
    def probabilities(
        self,
        rule: tuple[str, float, float],
        step: int,
        rows: NDArray[np.int64] | None,
        mask: NDArray[np.bool_] | None,
        epsilon: float,
        floor: float,
        threads: int,
    ) -> NDArray[np.float64]: ...
    def learn(
        self,
        rows: NDArray[np.int64] | None,
        action: NDArray[np.int64],
        reward: NDArray[np.float64],
        threads: int,
    ) -> None: ...
    def counts(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
    def restore(self, total: NDArray[np.float64], weight: NDArray[np.float64]) -> None: ...
