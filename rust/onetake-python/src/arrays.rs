//! Arrays in (borrowed and checked) and out (given away; taken back only when nobody has them any more).

use numpy::ndarray::{Dim, Dimension, IntoDimension};
use numpy::{Element, PyArray, PyArrayMethods, PyReadonlyArray, PyUntypedArrayMethods};
use onetake_core::error::Error;
use pyo3::prelude::*;

use crate::errors::raise;

/// The slice of a contiguous array, or a refusal that names it.
pub fn slice<'a, T: Element, D: Dimension>(what: &str, array: &'a PyReadonlyArray<'_, T, D>) -> PyResult<&'a [T]> {
    array.as_slice().map_err(|_| {
        raise(Error::Shape { what: what.into(), got: "a strided view".into(), wanted: "a contiguous array".into() })
    })
}

/// Arrays of a kind that are remembered: a loop may hold what it decided on and what came of it while the next is made.
const REMEMBERED: usize = 3;
/// Bytes below which new memory costs next to nothing.
const SMALL: usize = 1 << 17;

/// The large arrays of one kind that were given away last. Fresh pages cost more than the work on them, so that an array
/// serves again once Python has dropped it.
pub struct Given<T, const N: usize>(Vec<Py<PyArray<T, Dim<[usize; N]>>>>)
where
    [usize; N]: IntoDimension<Dim = Dim<[usize; N]>>,
    Dim<[usize; N]>: Dimension;

impl<T: Element, const N: usize> Given<T, N>
where
    [usize; N]: IntoDimension<Dim = Dim<[usize; N]>>,
    Dim<[usize; N]>: Dimension,
{
    /// Nothing was given away yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// An array of `shape` that nobody else can see: one that came back, holding anything, or a new one of zeros.
    pub fn array<'py>(
        &mut self,
        py: Python<'py>,
        shape: [usize; N],
    ) -> PyResult<Bound<'py, PyArray<T, Dim<[usize; N]>>>> {
        if shape.iter().product::<usize>() * size_of::<T>() < SMALL {
            return Ok(PyArray::zeros(py, shape, false));
        }
        for given in &self.0 {
            let given = given.bind(py);
            if dropped(given)? && given.shape() == shape && whole(given) {
                return Ok(given.clone());
            }
        }
        let fresh = PyArray::zeros(py, shape, false);
        if self.0.len() == REMEMBERED {
            self.0.remove(0);
        }
        self.0.push(fresh.clone().unbind());
        Ok(fresh)
    }
}

/// Whether it may be written, row by row: its owner could make an array read-only or turn its axes.
fn whole<T: Element, D: Dimension>(array: &Bound<'_, PyArray<T, D>>) -> bool {
    array.is_c_contiguous() && array.try_readwrite().is_ok()
}

/// Whether the reference remembered here is the only one: views, buffers and tensors hold one to their base; weak ones
/// do not count and are asked for.
fn dropped<T: Element, D: Dimension>(array: &Bound<'_, PyArray<T, D>>) -> PyResult<bool> {
    // We are attached to the interpreter, so that nobody takes a reference meanwhile.
    #[allow(deprecated)] // what replaces it takes a bare pointer
    let references = array.get_refcnt();
    if references > 1 {
        return Ok(false);
    }
    let weak: usize = array.py().import("_weakref")?.call_method1("getweakrefcount", (array,))?.extract()?;
    Ok(weak == 0)
}
