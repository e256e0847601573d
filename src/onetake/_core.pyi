import numpy as np
from numpy.typing import NDArray

__version__: str

def philox_block(counter: list[int], key: list[int]) -> list[int]: ...
def words(
    seed: int, stream: int, slot: int, attempt: int, step: int, replicate: int, entity: int, len: int
) -> NDArray[np.uint32]: ...
