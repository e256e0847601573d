//! Replay buffers.
#![allow(clippy::needless_pass_by_value)] // PyO3 hands arguments over by value

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use numpy::ndarray::ArrayD;
use numpy::{Element, IntoPyArray, PyReadonlyArray1};
use onetake_core::error::Error;
use onetake_core::replay::layout::Layout;
use onetake_core::replay::{self, Arrivals, Column, Numbers, Sequences};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::arrays::slice;
use crate::arrivals::Staging;
use crate::errors::raise;

/// A buffer with the name of each part of its observations.
#[pyclass(module = "onetake._core", frozen)]
pub struct Replay {
    core: Mutex<replay::Replay>,
    layout: Layout,
    keys: Vec<Py<PyString>>,
    num_envs: usize,
    /// Room for what arrives; taken while it is filled, since filling may call Python.
    staging: Mutex<Staging>,
}

#[pymethods]
impl Replay {
    #[new]
    fn new(py: Python<'_>, settings: &str, file: Option<PathBuf>) -> PyResult<Self> {
        let settings = serde_json::from_str(settings).map_err(|error| {
            let (field, got) = ("settings".into(), error.to_string());
            raise(Error::Config { field, got, wanted: "the settings of a replay buffer".into() })
        })?;
        let core = py.detach(|| replay::Replay::new(settings, file.as_deref())).map_err(raise)?;
        Ok(Self::around(py, core))
    }

    /// The saved buffer and the words that were saved with it.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf, file: Option<PathBuf>) -> PyResult<(Self, String)> {
        let (core, words) = py.detach(|| replay::Replay::load(&path, file.as_deref())).map_err(raise)?;
        Ok((Self::around(py, core), words))
    }

    /// Write everything, with `words` of the caller's own.
    fn save(&self, py: Python<'_>, path: PathBuf, words: &str) -> PyResult<()> {
        py.detach(|| self.lock().save(&path, words)).map_err(raise)
    }

    /// Add a step of each environment.
    fn add(
        &self,
        obs: &Bound<'_, PyAny>,
        action: &Bound<'_, PyAny>,
        reward: &Bound<'_, PyAny>,
        next_obs: &Bound<'_, PyAny>,
        terminated: &Bound<'_, PyAny>,
        truncated: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let one = self.num_envs == 1 && terminated.extract::<bool>().is_ok();
        let count = (!one).then_some(self.num_envs);
        let given = [obs, action, reward, next_obs, terminated, truncated];
        self.staged(given, count, replay::Replay::add)
    }

    /// Add steps of one environment in their order.
    #[allow(clippy::too_many_arguments)] // the parts of a transition
    fn extend(
        &self,
        env: usize,
        obs: &Bound<'_, PyAny>,
        action: &Bound<'_, PyAny>,
        reward: &Bound<'_, PyAny>,
        next_obs: &Bound<'_, PyAny>,
        terminated: &Bound<'_, PyAny>,
        truncated: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let given = [obs, action, reward, next_obs, terminated, truncated];
        self.staged(given, Some(reward.len()?), |core, arrivals| core.extend(env, arrivals))
    }

    /// End all running episodes where they stand.
    fn cut(&self) {
        self.lock().cut();
    }

    /// Columns of drawn transitions.
    fn sample<'py>(
        &self,
        py: Python<'py>,
        batch_size: usize,
        demonstrations: Option<(Py<Self>, usize)>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let batch = match &demonstrations {
            None => py.detach(|| self.lock().sample(batch_size, None)),
            Some((other, extra)) => {
                let other = other.get();
                if std::ptr::eq(other, self) {
                    let (got, wanted) = ("the buffer itself".into(), "another one".into());
                    return Err(raise(Error::Config { field: "demonstrations".into(), got, wanted }));
                }
                py.detach(|| self.lock().sample(batch_size, Some((&mut other.lock(), *extra))))
            }
        };
        let batch = batch.map_err(raise)?;
        let lead = [batch.index.len()];
        let parts = [
            self.observation(py, batch.obs, &lead)?,
            array(py, batch.action, &lead)?,
            numbers(py, batch.reward, &lead)?,
            self.observation(py, batch.next_obs, &lead)?,
            batch.terminated.into_pyarray(py).into_any(),
            batch.truncated.into_pyarray(py).into_any(),
            numbers(py, batch.discount, &lead)?,
            batch.weight.into_pyarray(py).into_any(),
            batch.index.into_pyarray(py).into_any(),
            batch.relabelled.into_pyarray(py).into_any(),
            batch.demonstration.into_pyarray(py).into_any(),
        ];
        PyTuple::new(py, parts)
    }

    /// Columns of runs of steps.
    fn sample_slices<'py>(&self, py: Python<'py>, batch_size: usize, length: usize) -> PyResult<Bound<'py, PyTuple>> {
        let drawn = py.detach(|| self.lock().sample_slices(batch_size, length)).map_err(raise)?;
        self.sequences(py, drawn)
    }

    /// Columns of whole episodes.
    fn sample_episodes<'py>(&self, py: Python<'py>, batch_size: usize) -> PyResult<Bound<'py, PyTuple>> {
        let drawn = py.detach(|| self.lock().sample_episodes(batch_size)).map_err(raise)?;
        self.sequences(py, drawn)
    }

    /// Columns of one whole episode.
    fn episode<'py>(&self, py: Python<'py>, number: u64) -> PyResult<Bound<'py, PyTuple>> {
        let found = py.detach(|| self.lock().episode(number)).map_err(raise)?;
        self.sequences(py, found)
    }

    /// Give transitions new priorities.
    fn update_priorities(
        &self,
        py: Python<'_>,
        index: PyReadonlyArray1<'_, i64>,
        priority: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<()> {
        let (index, priority) = (slice("indices", &index)?, slice("priority", &priority)?);
        py.detach(|| self.lock().update_priorities(index, priority)).map_err(raise)
    }

    fn __len__(&self) -> usize {
        self.lock().held() as usize
    }

    /// Transitions ever added, batches drawn, whole episodes held, bytes of a row, bytes in use.
    fn counts(&self) -> (u64, u64, u64, usize, usize) {
        let core = self.lock();
        (core.added(), core.batches(), core.whole_episodes(), core.layout().row, core.size())
    }

    /// The exponent of the next batch's weights.
    fn beta(&self) -> Option<f64> {
        self.lock().beta()
    }

    /// The settings as JSON.
    fn settings(&self) -> PyResult<String> {
        let text = serde_json::to_string(self.lock().settings());
        text.map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))
    }
}

impl Replay {
    fn around(py: Python<'_>, core: replay::Replay) -> Self {
        let layout = core.layout().clone();
        let keys = layout.obs.iter().map(|field| PyString::intern(py, &field.name).unbind()).collect();
        let num_envs = core.settings().num_envs;
        Self { core: Mutex::new(core), layout, keys, num_envs, staging: Mutex::new(Staging::default()) }
    }

    /// Never held while Python is waited for.
    fn lock(&self) -> MutexGuard<'_, replay::Replay> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn staged(
        &self,
        given: [&Bound<'_, PyAny>; 6],
        count: Option<usize>,
        then: impl FnOnce(&mut replay::Replay, Arrivals<'_>) -> onetake_core::error::Result<()>,
    ) -> PyResult<()> {
        let mut staging = std::mem::take(&mut *self.staging.lock().unwrap_or_else(PoisonError::into_inner));
        let filled = staging.fill(&self.layout, &self.keys, given, count);
        let done = filled.and_then(|()| then(&mut self.lock(), staging.arrivals()).map_err(raise));
        *self.staging.lock().unwrap_or_else(PoisonError::into_inner) = staging;
        done
    }

    /// An array, or a dict of them where the observation has named parts.
    fn observation<'py>(
        &self,
        py: Python<'py>,
        mut columns: Vec<Column>,
        lead: &[usize],
    ) -> PyResult<Bound<'py, PyAny>> {
        if self.layout.obs[0].name.is_empty() {
            return array(py, columns.remove(0), lead);
        }
        let parts = PyDict::new(py);
        for (key, column) in self.keys.iter().zip(columns) {
            parts.set_item(key, array(py, column, lead)?)?;
        }
        Ok(parts.into_any())
    }

    fn sequences<'py>(&self, py: Python<'py>, it: Sequences) -> PyResult<Bound<'py, PyTuple>> {
        let n = it.index.len();
        let lead = [it.steps, n];
        let parts = [
            self.observation(py, it.obs, &[it.steps + 1, n])?,
            array(py, it.action, &lead)?,
            numbers(py, it.reward, &lead)?,
            shaped(py, it.terminated, lead.to_vec())?,
            shaped(py, it.truncated, lead.to_vec())?,
            shaped(py, it.mask, lead.to_vec())?,
            it.index.into_pyarray(py).into_any(),
        ];
        PyTuple::new(py, parts)
    }
}

fn array<'py>(py: Python<'py>, column: Column, lead: &[usize]) -> PyResult<Bound<'py, PyAny>> {
    if column.shape.is_empty() {
        return numbers(py, column.numbers, lead);
    }
    numbers(py, column.numbers, &[lead, &column.shape].concat())
}

fn numbers<'py>(py: Python<'py>, numbers: Numbers, shape: &[usize]) -> PyResult<Bound<'py, PyAny>> {
    let shape = shape.to_vec();
    match numbers {
        Numbers::Bool(x) => shaped(py, x.into_iter().map(|byte| byte != 0).collect(), shape),
        Numbers::Uint8(x) => shaped(py, x, shape),
        Numbers::Int8(x) => shaped(py, x, shape),
        Numbers::Uint16(x) => shaped(py, x, shape),
        Numbers::Int16(x) => shaped(py, x, shape),
        Numbers::Uint32(x) => shaped(py, x, shape),
        Numbers::Int32(x) => shaped(py, x, shape),
        Numbers::Uint64(x) => shaped(py, x, shape),
        Numbers::Int64(x) => shaped(py, x, shape),
        Numbers::Float32(x) => shaped(py, x, shape),
        Numbers::Float64(x) => shaped(py, x, shape),
    }
}

/// An array that owns `values`.
fn shaped<T: Element>(py: Python<'_>, values: Vec<T>, shape: Vec<usize>) -> PyResult<Bound<'_, PyAny>> {
    if shape.len() == 1 {
        return Ok(values.into_pyarray(py).into_any());
    }
    let array = ArrayD::from_shape_vec(shape, values);
    let array = array.map_err(|error| pyo3::exceptions::PyRuntimeError::new_err(error.to_string()))?;
    Ok(array.into_pyarray(py).into_any())
}
