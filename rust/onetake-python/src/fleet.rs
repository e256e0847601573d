//! Fleets of bandits.
#![allow(clippy::needless_pass_by_value)] // PyO3 hands arguments over by value

use std::sync::{Mutex, PoisonError};

use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use onetake_core::error::Error;
use onetake_core::fleet::quadrature::Law;
use onetake_core::fleet::{self, Belief, PerEnvironment, Request, Rewards, Rule};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arrays::{Given, slice};
use crate::errors::raise;

type Counts<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray2<f64>>);

/// Learners of a batch with what they have counted.
#[pyclass(module = "onetake._core")]
pub struct Fleet {
    core: fleet::Fleet,
    decided: Mutex<Given<i64, 1>>,
}

#[pymethods]
impl Fleet {
    #[new]
    #[allow(clippy::too_many_arguments)] // one a part of the batch
    #[pyo3(signature = (seed, entity_ids, replicate_ids, num_actions, pooled, trials, counts, bounds, least=None))]
    fn new(
        seed: u64,
        entity_ids: PyReadonlyArray1<'_, u32>,
        replicate_ids: PyReadonlyArray1<'_, u32>,
        num_actions: usize,
        pooled: bool,
        trials: PyReadonlyArray1<'_, f64>,
        counts: Option<(PyReadonlyArray1<'_, f64>, PyReadonlyArray1<'_, f64>)>,
        bounds: Option<(PyReadonlyArray1<'_, f64>, PyReadonlyArray1<'_, f64>)>,
        least: Option<f64>,
    ) -> PyResult<Self> {
        let (entity_ids, replicate_ids) =
            (slice("entity_ids", &entity_ids)?.to_vec(), slice("replicate_ids", &replicate_ids)?.to_vec());
        let environments = entity_ids.len() * replicate_ids.len();
        let each = |what: &str, values: &PyReadonlyArray1<'_, f64>| {
            PerEnvironment::new(what, slice(what, values)?.to_vec(), environments).map_err(raise)
        };
        let rewards = match (counts, bounds) {
            (Some((scale, offset)), _) => {
                Rewards::Counts { scale: slice("scale", &scale)?.to_vec(), offset: slice("offset", &offset)?.to_vec() }
            }
            (None, Some((low, high))) => {
                Rewards::Bounded { low: each("reward_low", &low)?, high: each("reward_high", &high)? }
            }
            (None, None) => least.map_or(Rewards::Ignored, |least| Rewards::Plain { least }),
        };
        let trials = each("trials", &trials)?;
        let core = fleet::Fleet::new(seed, entity_ids, replicate_ids, num_actions, pooled, trials, rewards);
        Ok(Self { core: core.map_err(raise)?, decided: Mutex::new(Given::new()) })
    }

    /// The arm that each row plays.
    #[allow(clippy::too_many_arguments)] // the parts of a request
    #[pyo3(signature = (rule, step, rows, mask, epsilon, floor, threads))]
    fn decide<'py>(
        &self,
        py: Python<'py>,
        rule: Bound<'py, PyTuple>,
        step: u32,
        rows: Option<PyReadonlyArray1<'_, i64>>,
        mask: Option<PyReadonlyArray2<'_, bool>>,
        epsilon: f64,
        floor: f64,
        threads: usize,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let rule = self.rule(&rule)?;
        let rows = rows.as_ref().map(|rows| slice("rows", rows)).transpose()?;
        let mask = mask.as_ref().map(flat).transpose()?;
        let request = Request { rule, step, rows, mask, epsilon, floor };
        let count = rows.map_or(self.core.environments(), <[i64]>::len);
        let decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner).array(py, [count])?;
        let mut room = decided.readwrite();
        let out = room.as_slice_mut()?;
        py.detach(|| self.core.decide_into(request, threads, out)).map_err(raise)?;
        Ok(decided)
    }

    /// The chance of each arm for each row.
    #[allow(clippy::too_many_arguments)] // the parts of a request
    #[pyo3(signature = (rule, step, rows, mask, epsilon, floor, threads))]
    fn probabilities<'py>(
        &self,
        py: Python<'py>,
        rule: Bound<'py, PyTuple>,
        step: u32,
        rows: Option<PyReadonlyArray1<'_, i64>>,
        mask: Option<PyReadonlyArray2<'_, bool>>,
        epsilon: f64,
        floor: f64,
        threads: usize,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let rule = self.rule(&rule)?;
        let rows = rows.as_ref().map(|rows| slice("rows", rows)).transpose()?;
        let mask = mask.as_ref().map(flat).transpose()?;
        let request = Request { rule, step, rows, mask, epsilon, floor };
        let out = py.detach(|| self.core.probabilities(request, threads)).map_err(raise)?;
        let count = out.len() / self.core.arms();
        out.into_pyarray(py).reshape([count, self.core.arms()])
    }

    /// Add the outcomes of earlier decisions.
    fn learn(
        &mut self,
        py: Python<'_>,
        rows: Option<PyReadonlyArray1<'_, i64>>,
        action: PyReadonlyArray1<'_, i64>,
        reward: PyReadonlyArray1<'_, f64>,
        threads: usize,
    ) -> PyResult<()> {
        let rows = rows.as_ref().map(|rows| slice("rows", rows)).transpose()?;
        let (action, reward) = (slice("action", &action)?, slice("reward", &reward)?);
        let core = &mut self.core;
        py.detach(|| core.learn(rows, action, reward, threads)).map_err(raise)
    }

    /// Copies of what trials gave and of how many there were, each (arm, learner).
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Counts<'py>> {
        let shape = [self.core.arms(), self.core.learners()];
        let (total, weight) = self.core.counts();
        Ok((PyArray1::from_slice(py, total).reshape(shape)?, PyArray1::from_slice(py, weight).reshape(shape)?))
    }

    /// Put saved counts in place of these.
    fn restore(&mut self, total: PyReadonlyArray2<'_, f64>, weight: PyReadonlyArray2<'_, f64>) -> PyResult<()> {
        self.core.restore(flat(&total)?.to_vec(), flat(&weight)?.to_vec()).map_err(raise)
    }
}

impl Fleet {
    /// A rule from its name and its numbers.
    fn rule(&self, named: &Bound<'_, PyTuple>) -> PyResult<Rule> {
        let name: String = named.get_item(0)?.extract()?;
        let numbers: Vec<f64> = named.get_slice(1, named.len()).extract()?;
        let at = |i: usize| numbers.get(i).copied().unwrap_or(0.0);
        let belief = |law| Belief { law, prior: [at(0), at(1)], noise: at(2) };
        let (first, law) = (at(0), law_of(&name));
        match (name.as_str(), law) {
            ("uniform", _) => Ok(Rule::Uniform),
            ("fixed", _) if (0.0..self.core.arms() as f64).contains(&first) => Ok(Rule::Fixed(first as usize)),
            ("mean", _) => Ok(Rule::Mean),
            ("greedy", _) => Ok(Rule::Greedy),
            ("ucb1", _) => Ok(Rule::Ucb1 { factor: first }),
            ("kl_ucb", _) => Ok(Rule::KlUcb { factor: first }),
            ("softmax", _) if first > 0.0 => Ok(Rule::Softmax { temperature: first }),
            ("explore", _) if first > 0.0 => Ok(Rule::Explore { least: first }),
            (name, Some(law)) if name.ends_with("draw") => Ok(Rule::PosteriorDraw(belief(law))),
            (_, Some(law)) => Ok(Rule::PosteriorMean(belief(law))),
            _ => Err(raise(Error::Unknown {
                kind: "rule",
                name: format!("{name}{numbers:?}"),
                known: "uniform, fixed, mean, greedy, ucb1, kl_ucb, softmax, explore, {posterior, gamma, normal}_draw \
                        and _mean"
                    .into(),
            })),
        }
    }
}

/// The law of a posterior rule.
fn law_of(name: &str) -> Option<Law> {
    match name {
        "posterior_draw" | "posterior_mean" => Some(Law::Beta),
        "gamma_draw" | "gamma_mean" => Some(Law::Gamma),
        "normal_draw" | "normal_mean" => Some(Law::Normal),
        _ => None,
    }
}

/// The values of a matrix, row by row. A slice is also given of a matrix that lies column by column, hence the check.
pub fn flat<'a, T: numpy::Element>(array: &'a PyReadonlyArray2<'_, T>) -> PyResult<&'a [T]> {
    let values = array.as_slice().ok().filter(|_| array.is_c_contiguous());
    values.ok_or_else(|| {
        let (what, got, wanted) = ("matrix".into(), "a strided view".into(), "rows one after the other".into());
        raise(Error::Shape { what, got, wanted })
    })
}
