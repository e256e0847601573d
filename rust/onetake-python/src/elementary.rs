//! Logarithm, exponential, power and sums with the same bits on every machine.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use onetake_core::error::Error;
use onetake_core::rng::{Key, Stream};
use onetake_core::{reduce, resample, special};
use pyo3::prelude::*;

use crate::arrays::slice;
use crate::errors::raise;

fn check(what: &str, values: &[f64], wanted: &str, holds: impl Fn(f64) -> bool) -> Result<(), Error> {
    match values.iter().position(|x| !holds(*x)) {
        None => Ok(()),
        Some(place) => Err(Error::Config {
            field: format!("{what}[{place}]"),
            got: values[place].to_string(),
            wanted: wanted.into(),
        }),
    }
}

/// e to each number.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // arrays arrive as borrows that Python hands over
pub fn exp<'py>(py: Python<'py>, values: PyReadonlyArray1<'py, f64>) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let values = slice("values", &values)?;
    let out = py.detach(|| {
        check("values", values, "a number", |x| !x.is_nan())?;
        Ok(special::map(values, special::exp))
    });
    Ok(out.map_err(raise)?.into_pyarray(py))
}

/// The natural logarithm of each number.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // as above
pub fn log<'py>(py: Python<'py>, values: PyReadonlyArray1<'py, f64>) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let values = slice("values", &values)?;
    let out = py.detach(|| {
        check("values", values, "a number of at least 0", |x| x >= 0.0)?;
        Ok(special::map(values, special::ln))
    });
    Ok(out.map_err(raise)?.into_pyarray(py))
}

/// Each base to its exponent; both arrays have one length.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // as above
pub fn power<'py>(
    py: Python<'py>,
    base: PyReadonlyArray1<'py, f64>,
    exponent: PyReadonlyArray1<'py, f64>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let (base, exponent) = (slice("base", &base)?, slice("exponent", &exponent)?);
    let out = py.detach(|| {
        check("base", base, "a number of at least 0", |x| x >= 0.0)?;
        check("exponent", exponent, "a number", |x| !x.is_nan())?;
        if base.len() != exponent.len() {
            let (what, got) = ("exponent".into(), format!("{} numbers", exponent.len()));
            return Err(Error::Shape { what, got, wanted: format!("{}, as many as bases", base.len()) });
        }
        Ok(base.iter().zip(exponent).map(|(x, y)| special::pow(*x, *y)).collect::<Vec<_>>())
    });
    Ok(out.map_err(raise)?.into_pyarray(py))
}

/// The sum of each run of `length` numbers, in an order that depends on `length` alone.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // as above
pub fn totals<'py>(
    py: Python<'py>,
    values: PyReadonlyArray1<'py, f64>,
    length: usize,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let values = slice("values", &values)?;
    let out = py.detach(|| {
        check("values", values, "a number", |x| !x.is_nan())?;
        Ok(values.chunks(length.max(1)).map(reduce::total).collect::<Vec<_>>())
    });
    Ok(out.map_err(raise)?.into_pyarray(py))
}

/// Sums of the rows of each bootstrap resample: `values` are rows of `width` numbers, and so is what comes back.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // as above
pub fn resampled<'py>(
    py: Python<'py>,
    values: PyReadonlyArray1<'py, f64>,
    width: usize,
    seed: u64,
    first: u32,
    replicates: usize,
    threads: usize,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let values = slice("values", &values)?;
    let out = py.detach(|| {
        if width == 0 || values.is_empty() || !values.len().is_multiple_of(width) {
            let (what, got) = ("values".into(), format!("{} numbers", values.len()));
            return Err(Error::Shape { what, got, wanted: format!("at least one row of {width}") });
        }
        resample::sums(Key::new(seed, Stream::AGENT), (values, width), (first, replicates), threads)
    });
    Ok(out.map_err(raise)?.into_pyarray(py))
}
