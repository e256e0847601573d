//! Maps the core's error to the exception tree of `onetake.errors`.

use onetake_core::error::Error;
use pyo3::PyErr;

pyo3::import_exception!(onetake.errors, ConfigError);
pyo3::import_exception!(onetake.errors, ShapeError);
pyo3::import_exception!(onetake.errors, UnknownIdError);
pyo3::import_exception!(onetake.errors, NotReadyError);
pyo3::import_exception!(onetake.errors, CheckpointError);
pyo3::import_exception!(onetake.errors, OutputError);

/// The Python exception of a core error.
#[allow(clippy::needless_pass_by_value)] // so that it stands in `map_err`
pub fn raise(error: Error) -> PyErr {
    let text = error.to_string();
    match error {
        Error::Shape { .. } => ShapeError::new_err(text),
        Error::Unknown { .. } => UnknownIdError::new_err(text),
        Error::NotReady { .. } => NotReadyError::new_err(text),
        Error::State { .. } => CheckpointError::new_err(text),
        Error::Output { .. } => OutputError::new_err(text),
        _ => ConfigError::new_err(text),
    }
}
