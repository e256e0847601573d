//! Arrays in (borrowed and checked) and out (moved, never shared).

use numpy::{Element, PyReadonlyArray1};
use onetake_core::error::Error;
use pyo3::PyResult;

use crate::errors::raise;

/// The slice of a contiguous array, or a refusal that names it.
pub fn slice<'a, T: Element>(what: &str, array: &'a PyReadonlyArray1<'_, T>) -> PyResult<&'a [T]> {
    array.as_slice().map_err(|_| {
        raise(Error::Shape { what: what.into(), got: "a strided view".into(), wanted: "a contiguous array".into() })
    })
}
