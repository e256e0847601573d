from typing import final

import numpy as np
from numpy.typing import NDArray

__version__: str

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
