//! Class `VecSim`: a batch of simulated environments. It checks what it is given, lets other threads run, and gives its
//! arrays away.

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use onetake_core::columns::{Column, Param, Shape};
use onetake_core::dispatch::{self, Kernel};
use onetake_core::envs;
use onetake_core::error::Error;
use onetake_core::family::{ActionSpace, Actions};
use onetake_core::simulator::{AutoReset, Layout, Simulator, StepOut};
use onetake_core::workers;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::arrays::{Given, slice};
use crate::errors::raise;

/// Names of the families that can be simulated.
#[pyfunction]
pub fn family_names() -> Vec<&'static str> {
    envs::NAMES.to_vec()
}

/// Names of the tables that a family takes beside its columns.
#[pyfunction]
pub fn family_tables(family: &str) -> PyResult<Vec<&'static str>> {
    envs::tables(family).map(<[_]>::to_vec).map_err(raise)
}

/// A batch of simulated environments.
#[pyclass]
pub struct VecSim {
    simulator: Box<dyn Simulator>,
    /// Numbers of one observation.
    width: usize,
    /// Arms in the core's own type, kept from call to call: fresh memory costs more than the work on it.
    room: [Vec<u32>; 2],
    /// Points in the core's own type, kept likewise.
    points: Vec<f32>,
    given: StepGiven,
}

/// What steps gave away last, each kind for itself.
struct StepGiven {
    obs: Given<f32, 2>,
    reward: Given<f64, 1>,
    terminated: Given<bool, 1>,
    truncated: Given<bool, 1>,
}

impl StepGiven {
    const fn new() -> Self {
        Self { obs: Given::new(), reward: Given::new(), terminated: Given::new(), truncated: Given::new() }
    }
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

type ArrivedArrays<'py> = (Array1<'py, i64>, Array1<'py, i64>, Array1<'py, f64>);
type WhittleArrays<'py> = (Array2<'py, f64>, Array1<'py, i64>, Array1<'py, bool>);

#[pymethods]
impl VecSim {
    #[new]
    #[pyo3(signature = (family, config, columns, entities, replicates, first_entity, first_replicate, seed, mode, threads))]
    #[allow(clippy::too_many_arguments)] // a batch is described by this many numbers
    #[allow(clippy::needless_pass_by_value)] // arrays arrive as borrows that Python hands over
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
        let layout = Layout {
            shape: Shape { entities, replicates },
            first_entity,
            first_replicate,
            seed,
            mode: AutoReset::named(mode).map_err(raise)?,
        };
        let given: Vec<_> = columns
            .iter()
            .map(|(name, cells)| Ok((name, slice(&format!("columns[\"{name}\"]"), cells)?, cells.shape()[1])))
            .collect::<PyResult<_>>()?;
        let made = py.detach(|| {
            let own =
                given.iter().map(|&(name, cells, width)| Column { name: name.clone(), values: cells.to_vec(), width });
            let columns = own.collect();
            let pool = workers::pool(threads)?;
            envs::make(family, config, columns, layout, pool)
        });
        let simulator = made.map_err(raise)?;
        let width = simulator.spec().observations.len();
        Ok(Self { simulator, width, room: Default::default(), points: Vec::new(), given: StepGiven::new() })
    }

    /// What may be known before it starts, as JSON text.
    fn spec(&self) -> PyResult<String> {
        serde_json::to_string(self.simulator.spec()).map_err(|e| PyTypeError::new_err(e.to_string()))
    }

    /// Its configuration as JSON text, with the defaults of what was not given.
    fn config(&self) -> &str {
        self.simulator.settings()
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
        py.detach(|| self.simulator.elapsed().into_iter().map(i64::from).collect::<Vec<_>>()).into_pyarray(py)
    }

    /// Start all environments.
    #[pyo3(signature = (seed = None))]
    fn reset<'py>(&mut self, py: Python<'py>, seed: Option<u64>) -> PyResult<Array2<'py, f32>> {
        let obs = self.observations(py);
        let mut room = obs.readwrite();
        let out = room.as_slice_mut()?;
        py.detach(|| self.simulator.reset(seed, out));
        Ok(obs)
    }

    /// Start the environments of a mask.
    fn reset_rows<'py>(&mut self, py: Python<'py>, mask: &Bound<'py, PyArray1<bool>>) -> PyResult<Array2<'py, f32>> {
        let mask = mask.readonly();
        let mask = slice("reset_mask", &mask)?;
        let obs = self.observations(py);
        let mut room = obs.readwrite();
        let out = room.as_slice_mut()?;
        py.detach(|| self.simulator.reset_rows(mask, out)).map_err(raise)?;
        Ok(obs)
    }

    /// One step of all environments. Python's own arrays are made here and given away: they ask for large pages. Those
    /// that came back are written over.
    fn step<'py>(&mut self, py: Python<'py>, actions: &Bound<'py, PyAny>) -> PyResult<StepArrays<'py>> {
        let rows = self.simulator.shape().rows();
        let obs = self.given.obs.array(py, [rows, self.width])?;
        let reward = self.given.reward.array(py, [rows])?;
        let terminated = self.given.terminated.array(py, [rows])?;
        let truncated = self.given.truncated.array(py, [rows])?;
        let (mut obs_room, mut reward_room) = (obs.readwrite(), reward.readwrite());
        let (mut terminated_room, mut truncated_room) = (terminated.readwrite(), truncated.readwrite());
        let mut out = StepOut {
            obs: obs_room.as_slice_mut()?,
            reward: reward_room.as_slice_mut()?,
            terminated: terminated_room.as_slice_mut()?,
            truncated: truncated_room.as_slice_mut()?,
        };
        let ended = if let ActionSpace::Box { low, .. } = &self.simulator.spec().actions {
            let width = low.len();
            points(actions, [rows, width], &mut self.points)?;
            py.detach(|| self.simulator.step(Actions::Points { values: &self.points, width }, &mut out))
        } else {
            narrow("actions", actions, rows, &mut self.room[0])?;
            py.detach(|| self.simulator.step(Actions::Arms(&self.room[0]), &mut out))
        };
        let ended = ended.map_err(raise)?;
        let last = match ended.rows.len() {
            0 => None,
            _ => Some((ended.rows.into_pyarray(py), rows_of(py, ended.obs, self.width)?)),
        };
        Ok((obs, reward, terminated, truncated, last))
    }

    /// Start a batch of one.
    #[pyo3(signature = (seed = None))]
    fn reset_one<'py>(&mut self, py: Python<'py>, seed: Option<u64>) -> Array1<'py, f32> {
        let mut obs = vec![0.0; self.width];
        self.simulator.reset(seed, &mut obs);
        obs.into_pyarray(py)
    }

    /// One step of a batch of one, as Gymnasium's five: quick, since nothing is detached for so little work.
    fn step_one<'py>(&mut self, py: Python<'py>, action: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
        let mut obs = vec![0.0; self.width];
        let (mut reward, mut terminated, mut truncated) = ([0.0], [false], [false]);
        let mut out =
            StepOut { obs: &mut obs, reward: &mut reward, terminated: &mut terminated, truncated: &mut truncated };
        let stepped = match &self.simulator.spec().actions {
            ActionSpace::Discrete { count } => {
                let wanted = || format!("a whole number in 0..{}", count - 1);
                let arm = action.extract::<u32>().map_err(|_| refuse("action", action, wanted()))?;
                self.simulator.step(Actions::Arms(&[arm]), &mut out)
            }
            ActionSpace::Box { low, .. } => {
                let width = low.len();
                point(action, width, &mut self.points)?;
                self.simulator.step(Actions::Points { values: &self.points, width }, &mut out)
            }
        };
        stepped.map_err(raise)?;
        (obs.into_pyarray(py), reward[0], terminated[0], truncated[0], PyDict::new(py)).into_pyobject(py)
    }

    /// Expected reward of each arm at the coming step.
    fn expected<'py>(&self, py: Python<'py>) -> PyResult<Array2<'py, f64>> {
        let expected =
            PyArray2::zeros(py, [self.simulator.shape().rows(), self.simulator.spec().actions.arms()], false);
        let mut room = expected.readwrite();
        let out = room.as_slice_mut()?;
        py.detach(|| self.simulator.expected(out)).map_err(raise)?;
        Ok(expected)
    }

    /// Expected reward of each arm with the best play after it.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Array2<'py, f64>> {
        let values = PyArray2::zeros(py, [self.simulator.shape().rows(), self.simulator.spec().actions.arms()], false);
        let mut room = values.readwrite();
        let out = room.as_slice_mut()?;
        py.detach(|| self.simulator.values(out)).map_err(raise)?;
        Ok(values)
    }

    /// What whole episodes are worth from their start: best, and random and arms where they are known; or None.
    fn start_values<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(values) = py.detach(|| self.simulator.start_values()) else { return Ok(None) };
        let named = PyDict::new(py);
        named.set_item("best", values.best.into_pyarray(py))?;
        if !values.random.is_empty() {
            named.set_item("random", values.random.into_pyarray(py))?;
        }
        if !values.arms.is_empty() {
            named.set_item("arms", rows_of(py, values.arms, self.simulator.spec().actions.arms())?)?;
        }
        Ok(Some(named))
    }

    /// Whittle indices: table `(kinds, states)`, kind of each environment, whether each kind is indexable; or None.
    fn whittle<'py>(&self, py: Python<'py>, discount: f64) -> PyResult<Option<WhittleArrays<'py>>> {
        let Some(found) = py.detach(|| self.simulator.whittle(discount)) else { return Ok(None) };
        let kinds: Vec<i64> = found.kind.into_iter().map(i64::from).collect();
        let table = rows_of(py, found.table, found.states)?;
        Ok(Some((table, kinds.into_pyarray(py), found.indexable.into_pyarray(py))))
    }

    /// Which arms are allowed at the coming step, or None where all always are.
    fn allowed<'py>(&self, py: Python<'py>) -> PyResult<Option<Array2<'py, bool>>> {
        let allowed = PyArray2::zeros(py, [self.simulator.shape().rows(), self.simulator.spec().actions.arms()], false);
        let mut room = allowed.readwrite();
        let out = room.as_slice_mut()?;
        let masked = py.detach(|| self.simulator.allowed(out)).map_err(raise)?;
        drop(room);
        Ok(masked.then_some(allowed))
    }

    /// Most steps from a decision to the arrival of its outcome, or None where outcomes come at once.
    fn longest_delay(&self) -> Option<u32> {
        self.simulator.longest_delay()
    }

    /// What arrived at the last step: rows, steps of the decisions, what they earned.
    fn arrived<'py>(&self, py: Python<'py>) -> ArrivedArrays<'py> {
        let arrived = py.detach(|| self.simulator.arrived());
        let whole = |values: Vec<u32>| values.into_iter().map(i64::from).collect::<Vec<_>>().into_pyarray(py);
        (whole(arrived.rows), whole(arrived.steps), arrived.rewards.into_pyarray(py))
    }

    /// Who is there at the coming step, or None where everybody always is.
    fn present<'py>(&self, py: Python<'py>) -> Option<Array1<'py, bool>> {
        self.simulator.present().map(|present| present.into_pyarray(py))
    }

    /// Whether some arms are not always allowed.
    fn masks(&self) -> bool {
        self.simulator.masks()
    }

    /// Actions other than the first that a replicate may take in a step, and whether more are refused; None for any.
    fn budget(&self) -> Option<(usize, bool)> {
        self.simulator.budget().map(|budget| (budget.most, budget.hard))
    }

    /// Actions beyond a soft budget since the last reset of all, one a replicate.
    fn excess<'py>(&self, py: Python<'py>) -> Array1<'py, i64> {
        self.simulator.excess().into_iter().map(|count| count as i64).collect::<Vec<_>>().into_pyarray(py)
    }

    /// Sums over the entities of each replicate: oracle, played, greedy or None, random, arms.
    #[pyo3(signature = (action, greedy = None))]
    fn account<'py>(
        &mut self,
        py: Python<'py>,
        action: &Bound<'py, PyAny>,
        greedy: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let rows = self.simulator.shape().rows();
        let [room, greedy_room] = &mut self.room;
        narrow("action", action, rows, room)?;
        if let Some(greedy) = greedy {
            narrow("greedy", greedy, rows, greedy_room)?;
        }
        let greedily = greedy.map(|_| &greedy_room[..]);
        let account = py.detach(|| self.simulator.account(room, greedily)).map_err(raise)?;
        let sums = PyDict::new(py);
        sums.set_item("oracle", account.oracle.into_pyarray(py))?;
        sums.set_item("played", account.played.into_pyarray(py))?;
        if greedy.is_some() {
            sums.set_item("greedy", account.greedy.into_pyarray(py))?;
        }
        sums.set_item("random", account.random.into_pyarray(py))?;
        sums.set_item("arms", rows_of(py, account.arms, self.simulator.spec().actions.arms())?)?;
        Ok(sums)
    }

    /// From now on, sum what each arm would have earned each environment.
    fn track_fixed(&mut self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.simulator.track_fixed()).map_err(raise)
    }

    /// Those sums.
    fn fixed_totals<'py>(&self, py: Python<'py>) -> PyResult<Array2<'py, f64>> {
        let totals = py.detach(|| self.simulator.fixed_totals()).map_err(raise)?;
        rows_of(py, totals, self.simulator.spec().actions.arms())
    }

    /// The whole state as bytes.
    fn save<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.simulator.save());
        PyBytes::new_with(py, bytes.len(), |room| {
            py.detach(|| room.copy_from_slice(&bytes));
            Ok(())
        })
    }

    /// Go on from saved bytes.
    fn restore(&mut self, py: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        py.detach(|| self.simulator.restore(bytes)).map_err(raise)
    }

    /// A copy that goes on from here.
    #[pyo3(signature = (seed = None))]
    fn fork(&self, py: Python<'_>, seed: Option<u64>) -> Self {
        let simulator = py.detach(|| self.simulator.fork(seed));
        Self { simulator, width: self.width, room: Default::default(), points: Vec::new(), given: StepGiven::new() }
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

    fn observations<'py>(&self, py: Python<'py>) -> Array2<'py, f32> {
        PyArray2::zeros(py, [self.simulator.shape().rows(), self.width], false)
    }
}

/// Values as an array of `width` columns.
fn rows_of<T: numpy::Element>(py: Python<'_>, values: Vec<T>, width: usize) -> PyResult<Array2<'_, T>> {
    let rows = values.len() / width.max(1);
    values.into_pyarray(py).reshape([rows, width])
}

/// Write the points of a float array of shape `shape` into `room`, row by row.
fn points(given: &Bound<'_, PyAny>, shape: [usize; 2], room: &mut Vec<f32>) -> PyResult<()> {
    if let Ok(array) = given.cast::<PyArray2<f32>>()
        && array.shape() == shape
    {
        fill(room, array.readonly().as_array().iter().copied());
    } else if let Ok(array) = given.cast::<PyArray2<f64>>()
        && array.shape() == shape
    {
        fill(room, array.readonly().as_array().iter().map(|&value| value as f32));
    } else {
        return Err(refuse("actions", given, format!("float32 of shape ({}, {})", shape[0], shape[1])));
    }
    Ok(())
}

/// Write one point of `width` coordinates into `room`.
fn point(given: &Bound<'_, PyAny>, width: usize, room: &mut Vec<f32>) -> PyResult<()> {
    if let Ok(array) = given.cast::<PyArray1<f32>>()
        && array.len() == width
    {
        fill(room, array.readonly().as_array().iter().copied());
    } else if let Ok(array) = given.cast::<PyArray1<f64>>()
        && array.len() == width
    {
        fill(room, array.readonly().as_array().iter().map(|&value| value as f32));
    } else {
        return Err(refuse("action", given, format!("float32 of shape ({width},)")));
    }
    Ok(())
}

fn fill(room: &mut Vec<f32>, values: impl Iterator<Item = f32>) {
    room.clear();
    room.extend(values);
}

/// Write the arms of an array of any integer dtype into `room`.
fn narrow(what: &str, given: &Bound<'_, PyAny>, rows: usize, room: &mut Vec<u32>) -> PyResult<()> {
    macro_rules! integers {
        ($($kind:ty),+) => {
            $(if let Ok(array) = given.cast::<PyArray1<$kind>>() {
                let array = array.readonly();
                if array.len() != rows {
                    return Err(refuse(what, given, format!("integers of shape ({rows},)")));
                }
                room.resize(rows, 0);
                let beyond = match array.as_slice() {
                    Ok(values) => dispatch::run(Narrow(values.iter(), room, |value: &$kind| *value as u64)),
                    Err(_) => dispatch::run(Narrow(array.as_array().iter(), room, |value: &$kind| *value as u64)),
                };
                if beyond == 0 {
                    return Ok(());
                }
                let row = array.as_array().iter().position(|&value| value as u64 > u64::from(u32::MAX)).unwrap_or(0);
                return Err(raise(Error::Shape {
                    what: format!("{what}[{row}]"),
                    got: array.as_array()[row].to_string(),
                    wanted: "an arm, at least 0".into(),
                }));
            })+
        };
    }
    integers!(i64, u32, i32, u64, u8, i8, u16, i16);
    Err(refuse(what, given, format!("integers of shape ({rows},)")))
}

/// Integers into arms; gives bits that are 0 where all of them fit.
struct Narrow<'a, I, W>(I, &'a mut [u32], W);

impl<T, I: Iterator<Item = T>, W: Fn(T) -> u64> Kernel for Narrow<'_, I, W> {
    type Output = u64;
    #[inline(always)]
    fn run(self) -> u64 {
        let Self(values, room, wide) = self;
        let mut beyond = 0;
        for (arm, value) in room.iter_mut().zip(values) {
            let value = wide(value);
            beyond |= value >> 32;
            *arm = value as u32;
        }
        beyond
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
