//! Random words and samplers as whole arrays.

use numpy::{Element, IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use onetake_core::error::{Error, Result};
use onetake_core::rng::{self, Key, Stream};
use onetake_core::samplers::grid::{self, Batch, Cells, Place, Sampler};
use onetake_core::samplers::{kinds, poisson};
use pyo3::prelude::*;

use crate::arrays::slice;
use crate::errors::raise;

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

/// The generator of a batch; arrays come back flat, row by row.
#[pyclass(frozen, module = "onetake._core")]
pub struct DrawBatch {
    batch: Batch,
    rows: usize,
    threads: usize,
}

type Rows<'py> = Option<PyReadonlyArray1<'py, i64>>;
type Floats<'py> = PyReadonlyArray2<'py, f64>;
type Drawn<'py, T> = PyResult<Bound<'py, PyArray1<T>>>;

#[pymethods]
#[allow(clippy::needless_pass_by_value)] // arrays arrive as borrows that Python hands over
impl DrawBatch {
    #[new]
    fn new(
        seed: u64,
        stream: u64,
        first_entity: u32,
        entities: u32,
        first_replicate: u32,
        replicates: u32,
        threads: usize,
    ) -> PyResult<Self> {
        let end = |what: &str, first: u32, count: u32| {
            if count == 0 || first.checked_add(count - 1).is_none() {
                let got = format!("{count} from {first} on");
                return Err(Error::Config { field: what.into(), got, wanted: "at least 1, all below 2^32".into() });
            }
            Ok(())
        };
        end("entities", first_entity, entities).map_err(raise)?;
        end("replicates", first_replicate, replicates).map_err(raise)?;
        let key = Key::new(seed, Stream(stream));
        let batch = Batch { key, entity: first_entity, entities, replicate: first_replicate };
        Ok(Self { batch, rows: entities as usize * replicates as usize, threads })
    }

    fn uniform<'py>(&self, py: Python<'py>, at: (u32, u32), rows: Rows<'py>, width: usize) -> Drawn<'py, f64> {
        self.draw(py, at, &rows, &[width], |_, _| Ok(kinds::Uniform))
    }

    fn normal<'py>(
        &self,
        py: Python<'py>,
        at: (u32, u32),
        rows: Rows<'py>,
        mean: Floats<'py>,
        scale: Floats<'py>,
    ) -> Drawn<'py, f64> {
        let (mean, scale) = (table("mean", &mean)?, table("scale", &scale)?);
        self.draw(py, at, &rows, &[mean.columns, scale.columns], |n, k| {
            Ok(kinds::Normal { mean: cells(mean, n, k, FINITE)?, scale: cells(scale, n, k, SPREAD)? })
        })
    }

    fn bernoulli<'py>(&self, py: Python<'py>, at: (u32, u32), rows: Rows<'py>, p: Floats<'py>) -> Drawn<'py, bool> {
        let p = table("p", &p)?;
        self.draw(py, at, &rows, &[p.columns], |n, k| Ok(kinds::Bernoulli { p: cells(p, n, k, CHANCE)? }))
    }

    fn binomial<'py>(
        &self,
        py: Python<'py>,
        at: (u32, u32),
        rows: Rows<'py>,
        n: PyReadonlyArray2<'py, i64>,
        p: Floats<'py>,
    ) -> Drawn<'py, i64> {
        let (trials, p) = (table("n", &n)?, table("p", &p)?);
        self.draw(py, at, &rows, &[trials.columns, p.columns], |n, k| {
            Ok(kinds::Binomial { n: cells(trials, n, k, TRIALS)?, p: cells(p, n, k, CHANCE)? })
        })
    }

    fn poisson<'py>(&self, py: Python<'py>, at: (u32, u32), rows: Rows<'py>, rate: Floats<'py>) -> Drawn<'py, i64> {
        let rate = table("rate", &rate)?;
        self.draw(py, at, &rows, &[rate.columns], |n, k| Ok(kinds::Poisson { rate: cells(rate, n, k, RATE)? }))
    }

    fn gamma<'py>(
        &self,
        py: Python<'py>,
        at: (u32, u32),
        rows: Rows<'py>,
        shape: Floats<'py>,
        scale: Floats<'py>,
    ) -> Drawn<'py, f64> {
        let (shape, scale) = (table("shape", &shape)?, table("scale", &scale)?);
        self.draw(py, at, &rows, &[shape.columns, scale.columns], |n, k| {
            Ok(kinds::Gamma { shape: cells(shape, n, k, POSITIVE)?, scale: cells(scale, n, k, POSITIVE)? })
        })
    }

    fn beta<'py>(
        &self,
        py: Python<'py>,
        at: (u32, u32),
        rows: Rows<'py>,
        a: Floats<'py>,
        b: Floats<'py>,
    ) -> Drawn<'py, f64> {
        let (a, b) = (table("a", &a)?, table("b", &b)?);
        self.draw(py, at, &rows, &[a.columns, b.columns], |n, k| {
            Ok(kinds::Beta { a: cells(a, n, k, POSITIVE)?, b: cells(b, n, k, POSITIVE)? })
        })
    }

    fn categorical<'py>(
        &self,
        py: Python<'py>,
        at: (u32, u32),
        rows: Rows<'py>,
        probabilities: Floats<'py>,
    ) -> Drawn<'py, i64> {
        let chances = table("probabilities", &probabilities)?;
        let arms = chances.columns;
        self.draw(py, at, &rows, &[1], |n, _| {
            let checked = cells(chances, n, arms, CHANCE)?;
            for (row, chances) in checked.values.chunks(arms).enumerate() {
                let sum: f64 = chances.iter().sum();
                if (sum - 1.0).abs() > 1e-6 {
                    let field = format!("probabilities[{row}]");
                    return Err(Error::Config { field, got: format!("sum {sum}"), wanted: "sum 1".into() });
                }
            }
            let by_row = if chances.rows == 1 { 0 } else { arms };
            Ok(kinds::Categorical { chances: checked.values, arms, by_row })
        })
    }
}

const CHANCE: Rule<f64> = ("a probability in [0, 1]", |x| (0.0..=1.0).contains(&x));
const FINITE: Rule<f64> = ("a finite number", f64::is_finite);
const SPREAD: Rule<f64> = ("a finite number of at least 0", |x| (0.0..f64::INFINITY).contains(&x));
const RATE: Rule<f64> = ("a number in [0, 1e9]", |x| (0.0..=poisson::MAX_RATE).contains(&x));
const TRIALS: Rule<i64> = ("a whole number in [0, 2^32)", |n| (0..1 << 32).contains(&n));
const POSITIVE: Rule<f64> = ("a finite number above 0", |x| x > 0.0 && x < f64::INFINITY);

/// What a number must be, in words and as a test that NaN fails.
type Rule<T> = (&'static str, fn(T) -> bool);

impl DrawBatch {
    /// Check, detach, draw, wrap. `widths` are the columns of each parameter.
    fn draw<'py, S>(
        &self,
        py: Python<'py>,
        (step, slot): (u32, u32),
        rows: &Rows<'py>,
        widths: &[usize],
        sampler: impl FnOnce(usize, usize) -> Result<S> + Send,
    ) -> Drawn<'py, S::Out>
    where
        S: Sampler,
        S::Out: Element,
    {
        let chosen = rows.as_ref().map(|rows| slice("rows", rows)).transpose()?;
        let width = widths.iter().copied().max().unwrap_or(1);
        let result = py.detach(|| {
            if let Some(row) = chosen.and_then(|rows| rows.iter().find(|r| !(0..self.rows as i64).contains(*r))) {
                let wanted = format!("row numbers in [0, {})", self.rows);
                return Err(Error::Shape { what: "rows".into(), got: row.to_string(), wanted });
            }
            if u64::from(slot) + width as u64 > u64::from(u32::MAX / rng::TRIES) {
                let got = format!("{slot} + {width} columns");
                return Err(Error::Config { field: "slot".into(), got, wanted: "below 2^26".into() });
            }
            let count = chosen.map_or(self.rows, <[i64]>::len);
            let sampler = sampler(count, width)?;
            grid::draw(self.batch, Place { slot, step, width, rows: chosen }, sampler, self.threads, count)
        });
        Ok(result.map_err(raise)?.into_pyarray(py))
    }
}

/// A parameter as Python gave it.
#[derive(Clone, Copy)]
struct Table<'a, T> {
    what: &'static str,
    values: &'a [T],
    rows: usize,
    columns: usize,
}

fn table<'a, T: Element>(what: &'static str, array: &'a PyReadonlyArray2<'_, T>) -> PyResult<Table<'a, T>> {
    // A slice is also given of a matrix that lies column by column, in that order.
    let values = array.as_slice().ok().filter(|_| array.is_c_contiguous()).ok_or_else(|| {
        let wanted = "a contiguous array, row by row".into();
        raise(Error::Shape { what: what.into(), got: "another order of memory".into(), wanted })
    })?;
    Ok(Table { what, values, rows: array.shape()[0], columns: array.shape()[1] })
}

/// The parameter, which must have one row or `rows` and one column or `width`, and numbers that keep the rule.
fn cells<T>(table: Table<'_, T>, rows: usize, width: usize, (wanted, holds): Rule<T>) -> Result<Cells<'_, T>>
where
    T: Copy + std::fmt::Display,
{
    let Table { what, values, .. } = table;
    let (by_row, by_column) = (usize::from(table.rows != 1), usize::from(table.columns != 1));
    if (by_row == 1 && table.rows != rows)
        || (by_column == 1 && table.columns != width)
        || (values.is_empty() && rows > 0)
    {
        let got = format!("{} rows, {} columns", table.rows, table.columns);
        let wanted = format!("{rows} rows or 1, {width} columns or 1");
        return Err(Error::Shape { what: what.into(), got, wanted });
    }
    if let Some(place) = values.iter().position(|x| !holds(*x)) {
        let (row, column) = (place / table.columns, place % table.columns);
        let field = if by_column == 0 { format!("{what}[{row}]") } else { format!("{what}[{row}, {column}]") };
        return Err(Error::Config { field, got: values[place].to_string(), wanted: wanted.into() });
    }
    Ok(Cells { values, by_row: by_row * table.columns, by_column })
}
