//! Markets with their sellers, learners of prices, and auctions with their bidders.
#![allow(clippy::needless_pass_by_value)] // PyO3 hands arguments over by value

use std::collections::BTreeMap;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use onetake_core::auction::Auctions;
use onetake_core::config::written;
use onetake_core::market::learners::{self, Learner};
use onetake_core::market::{Market, Markets};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use crate::arrays::slice;
use crate::errors::raise;

type Floats<'py> = Bound<'py, PyArray1<f64>>;
type Named<'py> = BTreeMap<&'static str, Py<PyAny>>;

/// Markets of one kind that step together.
#[pyclass(module = "onetake._core")]
pub struct MarketBatch {
    core: Markets,
}

#[pymethods]
impl MarketBatch {
    #[new]
    fn new(config: &str, markets: usize, first: u32, seed: u64) -> PyResult<Self> {
        let market = Market::new(config).map_err(raise)?;
        Ok(Self { core: Markets::new(market, markets, first, seed).map_err(raise)? })
    }

    /// Settings with their defaults, as JSON.
    fn config(&self) -> PyResult<String> {
        written(&self.core.market.config).map_err(raise)
    }

    /// Prices `(sellers × prices)`.
    fn ladder<'py>(&self, py: Python<'py>) -> Floats<'py> {
        self.core.market.ladder.clone().into_pyarray(py)
    }

    /// Prices, quantities and profits at the Nash and the joint-profit equilibrium, one a seller.
    fn equilibria(&self, py: Python<'_>) -> PyResult<Named<'static>> {
        let market = &self.core.market;
        let mut out = Named::new();
        for (name, values) in [
            ("nash_price", &market.nash.price),
            ("nash_quantity", &market.nash.quantity),
            ("nash_profit", &market.nash.profit),
            ("monopoly_price", &market.monopoly.price),
            ("monopoly_quantity", &market.monopoly.quantity),
            ("monopoly_profit", &market.monopoly.profit),
        ] {
            out.insert(name, values.clone().into_pyarray(py).into_py_any(py)?);
        }
        Ok(out)
    }

    /// Begin an episode; the rungs of the periods before it.
    #[pyo3(signature = (seed=None))]
    fn reset<'py>(&mut self, py: Python<'py>, seed: Option<u64>) -> Bound<'py, PyArray1<u32>> {
        self.core.reset(seed);
        self.seen(py)
    }

    /// Rungs of past periods, newest first.
    fn seen<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u32>> {
        self.core.seen().to_vec().into_pyarray(py)
    }

    /// Periods since the last reset.
    fn elapsed(&self) -> u32 {
        self.core.elapsed()
    }

    /// Set prices; profits and quantities.
    fn step<'py>(
        &mut self,
        py: Python<'py>,
        actions: PyReadonlyArray1<'_, u32>,
    ) -> PyResult<(Floats<'py>, Floats<'py>)> {
        let arms = slice("actions", &actions)?;
        let core = &mut self.core;
        let sold = py.detach(|| core.step(arms)).map_err(raise)?;
        Ok((sold.profit.into_pyarray(py), sold.quantity.into_pyarray(py)))
    }

    /// A copy that goes on from here, with the same luck or with that of another seed.
    #[pyo3(signature = (seed=None))]
    fn fork(&self, seed: Option<u64>) -> Self {
        let mut core = self.core.clone();
        if let Some(seed) = seed {
            core.reseed(seed);
        }
        Self { core }
    }
}

/// Play sessions of Q-learning sellers to convergence; arrays with one row a session.
#[pyfunction]
pub fn price_learners(
    py: Python<'_>,
    config: &str,
    learner: &str,
    seed: u64,
    first: u32,
    sessions: usize,
    threads: usize,
) -> PyResult<Named<'static>> {
    let market = Market::new(config).map_err(raise)?;
    let learner = Learner::new(learner).map_err(raise)?;
    let found = py.detach(|| learners::sessions(&market, &learner, seed, first, sessions, threads)).map_err(raise)?;
    let mut out = Named::new();
    let each = |f: fn(&learners::Session) -> u32| found.iter().map(|s| i64::from(f(s))).collect::<Vec<_>>();
    out.insert("periods", each(|s| s.periods).into_pyarray(py).into_py_any(py)?);
    out.insert("cycle", each(|s| s.cycle).into_pyarray(py).into_py_any(py)?);
    out.insert("state", each(|s| s.state).into_pyarray(py).into_py_any(py)?);
    let converged: Vec<bool> = found.iter().map(|s| s.converged).collect();
    out.insert("converged", converged.into_pyarray(py).into_py_any(py)?);
    let joined = |f: fn(&learners::Session) -> &[f64]| found.iter().flat_map(f).copied().collect::<Vec<_>>();
    out.insert("price", joined(|s| &s.price).into_pyarray(py).into_py_any(py)?);
    out.insert("profit", joined(|s| &s.profit).into_pyarray(py).into_py_any(py)?);
    let strategy: Vec<u8> = found.iter().flat_map(|s| s.strategy.iter().copied()).collect();
    out.insert("strategy", strategy.into_pyarray(py).into_py_any(py)?);
    Ok(out)
}

/// Auctions of one kind that step together.
#[pyclass(module = "onetake._core")]
pub struct AuctionBatch {
    core: Auctions,
}

#[pymethods]
impl AuctionBatch {
    #[new]
    fn new(config: &str, auctions: usize, first: u32, seed: u64) -> PyResult<Self> {
        Ok(Self { core: Auctions::new(config, auctions, first, seed).map_err(raise)? })
    }

    /// Settings with their defaults, as JSON.
    fn config(&self) -> PyResult<String> {
        written(&self.core.config).map_err(raise)
    }

    /// Begin an episode.
    #[pyo3(signature = (seed=None))]
    fn reset(&mut self, seed: Option<u64>) {
        self.core.reset(seed);
    }

    /// What the item that comes is worth to each bidder.
    fn values<'py>(&self, py: Python<'py>) -> Floats<'py> {
        self.core.values().to_vec().into_pyarray(py)
    }

    /// What is left of each budget.
    fn left<'py>(&self, py: Python<'py>) -> Floats<'py> {
        self.core.left().to_vec().into_pyarray(py)
    }

    /// What bidders may spend in an episode, if there is a limit.
    fn budget<'py>(&self, py: Python<'py>) -> Option<Floats<'py>> {
        self.core.budget().map(|budget| budget.to_vec().into_pyarray(py))
    }

    /// Steps since the last reset.
    fn elapsed(&self) -> u32 {
        self.core.elapsed()
    }

    /// Bid; rewards, payments and winners.
    fn step<'py>(
        &mut self,
        py: Python<'py>,
        actions: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<(Floats<'py>, Floats<'py>, Bound<'py, PyArray1<i64>>)> {
        let actions = slice("actions", &actions)?;
        let core = &mut self.core;
        let sold = py.detach(|| core.step(actions)).map_err(raise)?;
        Ok((sold.reward.into_pyarray(py), sold.payment.into_pyarray(py), sold.winner.into_pyarray(py)))
    }

    /// A copy that goes on from here, with the same luck or with that of another seed.
    #[pyo3(signature = (seed=None))]
    fn fork(&self, seed: Option<u64>) -> Self {
        let mut core = self.core.clone();
        if let Some(seed) = seed {
            core.reseed(seed);
        }
        Self { core }
    }
}
