//! Class `VecSim`: a batch of simulated environments. It checks what it is given, lets other threads run, and gives its
//! arrays away.

use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use onetake_core::batch::{AutoReset, Layout, Simulator, Stepped};
use onetake_core::columns::{Column, Param, Shape};
use onetake_core::envs;
use onetake_core::error::Error;
use onetake_core::family::{ActionSpace, Actions};
use onetake_core::workers;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::arrays::slice;
use crate::errors::raise;

/// Names of the families that can be simulated.
#[pyfunction]
pub fn family_names() -> Vec<&'static str> {
    envs::NAMES.to_vec()
}

/// A batch of simulated environments.
#[pyclass]
pub struct VecSim {
    simulator: Box<dyn Simulator>,
    /// Numbers of one observation.
    width: usize,
}

type Array1<'py, T> = Bound<'py, PyArray1<T>>;
type Array2<'py, T> = Bound<'py, PyArray2<T>>;
/// Observations, rewards, terminated, truncated; then rows and last observations of environments reset by the step.
type StepArrays<'py> = (
    Array2<'py, f32>,
    Array1<'py, f64>,
    Array1<'py, bool>,
    Array1<'py, bool>,
    Option<(Array1<'py, u32>, Array2<'py, f32>)>,
);

/// Actions that belong to the call: arms in the core's own type, or points.
enum Given {
    Arms(Vec<u32>),
    Points(Vec<f32>, usize),
}

impl Given {
    fn view(&self) -> Actions<'_> {
        match self {
            Self::Arms(arms) => Actions::Arms(arms),
            Self::Points(values, width) => Actions::Points { values, width: *width },
        }
    }
}

#[pymethods]
impl VecSim {
    #[new]
    #[pyo3(signature = (family, config, columns, entities, replicates, first_entity, first_replicate, seed, mode, threads))]
    #[allow(clippy::too_many_arguments)] // a batch is described by this many numbers
    fn new(
        py: Python<'_>,
        family: &str,
        config: &str,
        columns: Vec<(String, PyReadonlyArray2<'_, f64>)>,
        entities: usize,
        replicates: usize,
        first_entity: u32,
        first_replicate: u32,
        seed: u64,
        mode: &str,
        threads: usize,
    ) -> PyResult<Self> {
        let columns = columns
            .into_iter()
            .map(|(name, array)| Column {
                name,
                width: array.shape()[1],
                values: array.as_array().iter().copied().collect(),
            })
            .collect();
        let layout = Layout {
            shape: Shape { entities, replicates },
            first_entity,
            first_replicate,
            seed,
            mode: auto_reset(mode)?,
        };
        let made = py.detach(|| {
            let pool = workers::pool(threads)?;
            envs::make(family, config, columns, layout, pool)
        });
        let simulator = made.map_err(raise)?;
        let width = simulator.spec().observations.len();
        Ok(Self { simulator, width })
    }

    /// What may be known before it starts, as JSON text.
    fn spec(&self) -> PyResult<String> {
        serde_json::to_string(self.simulator.spec()).map_err(|e| PyTypeError::new_err(e.to_string()))
    }

    /// Least and largest reward of a step, one for all or one an environment.
    fn reward_bounds<'py>(&self, py: Python<'py>) -> (Array1<'py, f64>, Array1<'py, f64>) {
        let spec = self.simulator.spec();
        (self.per_environment(py, &spec.reward_low), self.per_environment(py, &spec.reward_high))
    }

    /// Trials (one for all or one an environment), scale and offset by arm; None where rewards are no counts.
    fn count_reward<'py>(&self, py: Python<'py>) -> Option<(Array1<'py, f64>, Array1<'py, f64>, Array1<'py, f64>)> {
        let counts = self.simulator.spec().counts.as_ref()?;
        let trials = self.per_environment(py, &counts.trials);
        Some((trials, counts.scale.clone().into_pyarray(py), counts.offset.clone().into_pyarray(py)))
    }

    /// Whether it has been reset.
    #[getter]
    fn started(&self) -> bool {
        self.simulator.started()
    }

    /// Step of the global clock.
    #[getter]
    fn clock(&self) -> u32 {
        self.simulator.clock()
    }

    /// Steps since each environment's reset.
    fn elapsed<'py>(&self, py: Python<'py>) -> Array1<'py, i64> {
        self.simulator.elapsed().into_iter().map(i64::from).collect::<Vec<_>>().into_pyarray(py)
    }

    /// Start all environments.
    #[pyo3(signature = (seed = None))]
    fn reset<'py>(&mut self, py: Python<'py>, seed: Option<u64>) -> PyResult<Array2<'py, f32>> {
        let obs = py.detach(|| self.simulator.reset(seed));
        rows(py, obs, self.width)
    }

    /// Start the environments of a mask.
    fn reset_rows<'py>(&mut self, py: Python<'py>, mask: &Bound<'py, PyArray1<bool>>) -> PyResult<Array2<'py, f32>> {
        let mask = mask.readonly();
        let mask = slice("reset_mask", &mask)?;
        let obs = py.detach(|| self.simulator.reset_rows(mask)).map_err(raise)?;
        rows(py, obs, self.width)
    }

    /// One step of all environments.
    fn step<'py>(&mut self, py: Python<'py>, actions: &Bound<'py, PyAny>) -> PyResult<StepArrays<'py>> {
        let given = self.actions("actions", actions)?;
        let out = py.detach(|| self.simulator.step(given.view())).map_err(raise)?;
        let Stepped { obs, reward, terminated, truncated, ended } = out;
        let last = match ended.rows.len() {
            0 => None,
            _ => Some((ended.rows.into_pyarray(py), rows(py, ended.obs, self.width)?)),
        };
        Ok((
            rows(py, obs, self.width)?,
            reward.into_pyarray(py),
            terminated.into_pyarray(py),
            truncated.into_pyarray(py),
            last,
        ))
    }

    /// Start a batch of one.
    #[pyo3(signature = (seed = None))]
    fn reset_one<'py>(&mut self, py: Python<'py>, seed: Option<u64>) -> Array1<'py, f32> {
        self.simulator.reset(seed).into_pyarray(py)
    }

    /// One step of a batch of one, as Gymnasium's five: quick, since nothing is detached for so little work.
    fn step_one<'py>(&mut self, py: Python<'py>, action: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
        let out = match action.extract::<u32>() {
            Ok(arm) => self.simulator.step(Actions::Arms(&[arm])).map_err(raise)?,
            Err(_) => self.simulator.step(self.one(action)?.view()).map_err(raise)?,
        };
        let values = (out.obs.into_pyarray(py), out.reward[0], out.terminated[0], out.truncated[0], PyDict::new(py));
        values.into_pyobject(py)
    }

    /// Expected reward of each arm at the coming step.
    fn expected<'py>(&self, py: Python<'py>) -> PyResult<Array2<'py, f64>> {
        let expected = py.detach(|| self.simulator.expected()).map_err(raise)?;
        rows(py, expected, self.simulator.spec().actions.arms())
    }

    /// Sums over the entities of each replicate: oracle, played, greedy or None, random, arms.
    #[pyo3(signature = (action, greedy = None))]
    fn account<'py>(
        &self,
        py: Python<'py>,
        action: &Bound<'py, PyAny>,
        greedy: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let action = self.arms("action", action)?;
        let greedy = greedy.map(|greedy| self.arms("greedy", greedy)).transpose()?;
        let account = py.detach(|| self.simulator.account(&action, greedy.as_deref())).map_err(raise)?;
        let sums = PyDict::new(py);
        sums.set_item("oracle", account.oracle.into_pyarray(py))?;
        sums.set_item("played", account.played.into_pyarray(py))?;
        if greedy.is_some() {
            sums.set_item("greedy", account.greedy.into_pyarray(py))?;
        }
        sums.set_item("random", account.random.into_pyarray(py))?;
        sums.set_item("arms", rows(py, account.arms, self.simulator.spec().actions.arms())?)?;
        Ok(sums)
    }

    /// From now on, sum what each arm would have earned each environment.
    fn track_fixed(&mut self) -> PyResult<()> {
        self.simulator.track_fixed().map_err(raise)
    }

    /// Those sums.
    fn fixed_totals<'py>(&self, py: Python<'py>) -> PyResult<Array2<'py, f64>> {
        let totals = self.simulator.fixed_totals().map_err(raise)?;
        rows(py, totals, self.simulator.spec().actions.arms())
    }

    /// The whole state as bytes.
    fn save<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = py.detach(|| self.simulator.save());
        PyBytes::new(py, &bytes)
    }

    /// Go on from saved bytes.
    fn restore(&mut self, py: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        py.detach(|| self.simulator.restore(bytes)).map_err(raise)
    }

    /// A copy that goes on from here.
    #[pyo3(signature = (seed = None))]
    fn fork(&self, seed: Option<u64>) -> Self {
        Self { simulator: self.simulator.fork(seed), width: self.width }
    }
}

impl VecSim {
    fn per_environment<'py>(&self, py: Python<'py>, param: &Param) -> Array1<'py, f64> {
        match param.as_shared() {
            Some(values) => values[..1].to_vec(),
            None => param.spread(self.simulator.shape()),
        }
        .into_pyarray(py)
    }

    fn actions(&self, what: &str, given: &Bound<'_, PyAny>) -> PyResult<Given> {
        let ActionSpace::Box { low, .. } = &self.simulator.spec().actions else {
            return self.arms(what, given).map(Given::Arms);
        };
        let refuse =
            || refuse(what, given, format!("float32 of shape ({}, {})", self.simulator.shape().rows(), low.len()));
        let points = given.extract::<PyReadonlyArray2<'_, f32>>().map_err(|_| refuse())?;
        if points.shape()[1] != low.len() {
            return Err(refuse());
        }
        Ok(Given::Points(points.as_array().iter().copied().collect(), low.len()))
    }

    /// The arms of an array of any integer dtype.
    fn arms(&self, what: &str, given: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
        macro_rules! integers {
            ($($kind:ty),+) => {
                $(if let Ok(array) = given.extract::<PyReadonlyArray1<'_, $kind>>() {
                    return narrow(what, &array);
                })+
            };
        }
        integers!(i64, u32, i32, u64, u8, i8, u16, i16);
        Err(refuse(what, given, format!("integers of shape ({},)", self.simulator.shape().rows())))
    }

    /// The action of a batch of one that is no plain whole number.
    fn one(&self, action: &Bound<'_, PyAny>) -> PyResult<Given> {
        if let ActionSpace::Box { low, .. } = &self.simulator.spec().actions
            && let Ok(point) = action.extract::<PyReadonlyArray1<'_, f32>>()
        {
            return Ok(Given::Points(point.as_array().iter().copied().collect(), low.len()));
        }
        let wanted = match &self.simulator.spec().actions {
            ActionSpace::Discrete { count } => format!("a whole number in 0..{}", count - 1),
            ActionSpace::Box { low, .. } => format!("float32 of shape ({},)", low.len()),
        };
        Err(refuse("action", action, wanted))
    }
}

/// Values as an array of `width` columns.
fn rows<T: numpy::Element>(py: Python<'_>, values: Vec<T>, width: usize) -> PyResult<Array2<'_, T>> {
    let rows = values.len() / width.max(1);
    values.into_pyarray(py).reshape([rows, width])
}

/// Integers of one kind as arms; a value that no arm can have becomes the largest number, which the core refuses.
fn narrow<T>(what: &str, array: &PyReadonlyArray1<'_, T>) -> PyResult<Vec<u32>>
where
    T: numpy::Element + Copy + std::fmt::Display,
    u32: TryFrom<T>,
{
    let convert = |value: T| u32::try_from(value).unwrap_or(u32::MAX);
    let arms: Vec<u32> = match array.as_slice() {
        Ok(values) => values.iter().map(|&value| convert(value)).collect(),
        Err(_) => array.as_array().iter().map(|&value| convert(value)).collect(),
    };
    match arms.iter().position(|&arm| arm == u32::MAX) {
        None => Ok(arms),
        Some(row) => Err(raise(Error::Shape {
            what: format!("{what}[{row}]"),
            got: array.as_array()[row].to_string(),
            wanted: "an arm, at least 0".into(),
        })),
    }
}

fn refuse(what: &str, given: &Bound<'_, PyAny>, wanted: String) -> PyErr {
    let text = |name: &str| given.getattr(name).and_then(|value| value.str()).map(|value| value.to_string());
    let got = match (text("dtype"), text("shape")) {
        (Ok(dtype), Ok(shape)) => format!("{dtype} of shape {shape}"),
        _ => given.repr().map_or_else(|_| "something else".into(), |value| value.to_string()),
    };
    raise(Error::Shape { what: what.into(), got, wanted })
}

fn auto_reset(mode: &str) -> PyResult<AutoReset> {
    match mode {
        "NextStep" => Ok(AutoReset::NextStep),
        "SameStep" => Ok(AutoReset::SameStep),
        "Disabled" => Ok(AutoReset::Disabled),
        _ => Err(raise(Error::Config {
            field: "autoreset_mode".into(),
            got: mode.into(),
            wanted: "NextStep, SameStep or Disabled".into(),
        })),
    }
}
