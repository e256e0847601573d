//! Random words and samplers as whole arrays.

use numpy::{IntoPyArray, PyArray1};
use onetake_core::rng::{self, Key, Stream};
use pyo3::prelude::*;

/// One Philox4x32-10 block: the face of the published known answers.
#[pyfunction]
pub fn philox_block(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    rng::philox(counter, key)
}

/// The random words of neighbouring entities.
#[pyfunction]
#[allow(clippy::too_many_arguments)] // the counter has this many parts
pub fn words(
    py: Python<'_>,
    seed: u64,
    stream: u64,
    slot: u32,
    attempt: u32,
    step: u32,
    replicate: u32,
    entity: u32,
    len: usize,
) -> Bound<'_, PyArray1<u32>> {
    let key = Key::new(seed, Stream(stream));
    py.detach(|| key.words(slot, attempt, step, replicate, entity, len)).into_pyarray(py)
}
