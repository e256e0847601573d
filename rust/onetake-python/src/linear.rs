//! Fleets of linear regressions, and chances of normal variables to be the largest.
#![allow(clippy::needless_pass_by_value)] // PyO3 hands arguments over by value

use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use onetake_core::error::Error;
use onetake_core::fleet::quadrature::{Arm, Law, Quadrature};
use onetake_core::linear::{self, Question};
use pyo3::prelude::*;

use crate::arrays::slice;
use crate::errors::raise;
use crate::fleet::flat;

type Table<'py> = Bound<'py, PyArray2<f64>>;

/// Linear models of one size.
#[pyclass(module = "onetake._core")]
pub struct Linear {
    core: linear::Linear,
}

#[pymethods]
impl Linear {
    #[new]
    fn new(models: usize, features: usize, ridge: f64) -> PyResult<Self> {
        Ok(Self { core: linear::Linear::new(models, features, ridge).map_err(raise)? })
    }

    /// Add outcomes to models, one after the other.
    fn learn(
        &mut self,
        py: Python<'_>,
        model: PyReadonlyArray1<'_, i64>,
        x: PyReadonlyArray2<'_, f64>,
        y: PyReadonlyArray1<'_, f64>,
        weight: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<()> {
        let (model, x, y) = (slice("model", &model)?, flat(&x)?, slice("y", &y)?);
        let (weight, core) = (slice("weight", &weight)?, &mut self.core);
        py.detach(|| core.learn(model, x, y, weight)).map_err(raise)
    }

    /// Prediction and root of the variance of every model of each row's group.
    fn predict<'py>(
        &self,
        py: Python<'py>,
        group: PyReadonlyArray1<'_, i64>,
        width: usize,
        x: PyReadonlyArray2<'_, f64>,
        threads: usize,
    ) -> PyResult<(Table<'py>, Table<'py>)> {
        let ask = Question { group: slice("group", &group)?, width, x: flat(&x)? };
        let (mean, deviation) = py.detach(|| self.core.predict(ask, threads)).map_err(raise)?;
        let shape = [ask.group.len(), width];
        Ok((mean.into_pyarray(py).reshape(shape)?, deviation.into_pyarray(py).reshape(shape)?))
    }

    /// The first best model of each row's group, and whether it is the only one in every row.
    #[allow(clippy::too_many_arguments)] // the parts of a question
    #[pyo3(signature = (group, width, x, factor, mask, threads))]
    fn best<'py>(
        &self,
        py: Python<'py>,
        group: PyReadonlyArray1<'_, i64>,
        width: usize,
        x: PyReadonlyArray2<'_, f64>,
        factor: f64,
        mask: Option<PyReadonlyArray2<'_, bool>>,
        threads: usize,
    ) -> PyResult<(Bound<'py, PyArray1<i64>>, bool)> {
        let ask = Question { group: slice("group", &group)?, width, x: flat(&x)? };
        let mask = mask.as_ref().map(flat).transpose()?;
        let (best, single) = py.detach(|| self.core.best(ask, factor, mask, threads)).map_err(raise)?;
        Ok((best.into_pyarray(py), single))
    }

    /// The best model of one group of `width` for one row of features; of equals the first.
    fn best_one(&self, group: i64, width: usize, x: Vec<f64>, factor: f64) -> PyResult<i64> {
        let ask = Question { group: &[group], width, x: &x };
        Ok(self.core.best(ask, factor, None, 1).map_err(raise)?.0[0])
    }

    /// Add one outcome to a model.
    fn learn_one(&mut self, model: i64, x: Vec<f64>, y: f64, weight: f64) -> PyResult<()> {
        self.core.learn(&[model], &x, &[y], &[weight]).map_err(raise)
    }

    /// A copy of the factors (model, number).
    fn factors<'py>(&self, py: Python<'py>) -> PyResult<Table<'py>> {
        PyArray1::from_slice(py, self.core.factors()).reshape([self.core.models(), self.core.size()])
    }

    /// Put saved factors in place of these.
    fn restore(&mut self, factors: PyReadonlyArray2<'_, f64>) -> PyResult<()> {
        self.core.restore(flat(&factors)?.to_vec()).map_err(raise)
    }
}

/// Chance of each of the allowed normal variables of a row to be the largest.
#[pyfunction]
#[pyo3(signature = (mean, deviation, mask))]
pub fn normal_chances<'py>(
    py: Python<'py>,
    mean: PyReadonlyArray2<'_, f64>,
    deviation: PyReadonlyArray2<'_, f64>,
    mask: Option<PyReadonlyArray2<'_, bool>>,
) -> PyResult<Table<'py>> {
    let (rows, arms) = (mean.shape()[0], mean.shape()[1]);
    let (mean, deviation, mask) = (flat(&mean)?, flat(&deviation)?, mask.as_ref().map(flat).transpose()?);
    if deviation.len() != mean.len() || mask.is_some_and(|mask| mask.len() != mean.len()) {
        let (what, wanted) = ("deviation, mask".into(), format!("({rows}, {arms}) each"));
        return Err(raise(Error::Shape { what, got: "another shape than mean".into(), wanted }));
    }
    if mean.iter().any(|value| !value.is_finite()) || deviation.iter().any(|value| !(*value > 0.0 && value.is_finite()))
    {
        let (what, wanted) = ("mean, deviation".into(), "finite means, deviations above 0".into());
        return Err(raise(Error::Shape { what, got: "other numbers".into(), wanted }));
    }
    let mut out = vec![0.0; mean.len()];
    py.detach(|| {
        let mut quadrature = Quadrature::default();
        let mut open = Vec::with_capacity(arms);
        for (row, out) in out.chunks_exact_mut(arms.max(1)).enumerate() {
            open.clear();
            for index in 0..arms {
                let place = row * arms + index;
                if mask.is_none_or(|mask| mask[place]) {
                    let (a, b) = (mean[place], deviation[place]);
                    open.push(Arm { index, law: Law::Normal, a, b, gain: 1.0, offset: 0.0 });
                }
            }
            if !open.is_empty() {
                quadrature.best(&open, out);
            }
        }
    });
    out.into_pyarray(py).reshape([rows, arms])
}
