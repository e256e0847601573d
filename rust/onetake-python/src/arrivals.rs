//! Transitions as they arrive from Python: checked against what was declared and laid in one run of bytes each.

use bytemuck::NoUninit;
use numpy::{Element, PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods};
use onetake_core::error::Error;
use onetake_core::replay::layout::Layout;
use onetake_core::replay::{Arrivals, Dtype, Field};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::errors::raise;

/// Room for transitions, used again and again.
#[derive(Debug, Default)]
pub struct Staging {
    bytes: Vec<u8>,
    reward: Vec<f64>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
}

/// Where a field of each transition goes.
struct Place<'a> {
    out: &'a mut [u8],
    stride: usize,
    at: usize,
    /// How many transitions, or none for a single one without an axis for it.
    count: Option<usize>,
}

impl Staging {
    /// What was filled in last.
    pub fn arrivals(&self) -> Arrivals<'_> {
        Arrivals { bytes: &self.bytes, reward: &self.reward, terminated: &self.terminated, truncated: &self.truncated }
    }

    /// Fill in observation, action, reward, next observation and ends of one transition, or of `count`.
    pub fn fill(
        &mut self,
        layout: &Layout,
        keys: &[Py<PyString>],
        [obs, action, reward, next_obs, terminated, truncated]: [&Bound<'_, PyAny>; 6],
        count: Option<usize>,
    ) -> PyResult<()> {
        let stride = layout.arrival();
        self.bytes.resize(count.unwrap_or(1) * stride, 0);
        for (what, value, from) in [("obs", obs, 0), ("next_obs", next_obs, layout.reward_at)] {
            if layout.obs[0].name.is_empty() {
                let place = Place { out: &mut self.bytes, stride, at: from, count };
                put(value, &layout.obs[0], what, place)?;
                continue;
            }
            let Ok(parts) = value.cast::<PyDict>() else {
                return refuse(what, &kind(value), "a dict with the declared keys");
            };
            for ((field, start), key) in layout.obs.iter().zip(&layout.starts).zip(keys) {
                let Some(part) = parts.get_item(key)? else {
                    return refuse(what, &format!("no key '{}'", field.name), "a dict with the declared keys");
                };
                let place = Place { out: &mut self.bytes, stride, at: from + start, count };
                put(&part, field, &format!("{what}['{}']", field.name), place)?;
            }
        }
        let place = Place { out: &mut self.bytes, stride, at: layout.obs_bytes, count };
        put(action, &layout.action, "action", place)?;
        self.ends(reward, terminated, truncated, count)
    }

    fn ends(
        &mut self,
        reward: &Bound<'_, PyAny>,
        terminated: &Bound<'_, PyAny>,
        truncated: &Bound<'_, PyAny>,
        count: Option<usize>,
    ) -> PyResult<()> {
        let py = reward.py();
        let flags = [("terminated", terminated, &mut self.terminated), ("truncated", truncated, &mut self.truncated)];
        for (what, value, out) in flags {
            out.clear();
            match count {
                None => match value.extract() {
                    Ok(flag) => out.push(flag),
                    Err(_) => return refuse(what, &kind(value), "bool"),
                },
                Some(count) => vector(value, count, what, out)?,
            }
        }
        self.reward.clear();
        match count {
            None => match reward.extract() {
                Ok(number) => self.reward.push(number),
                Err(_) => return refuse("reward", &kind(reward), "a number"),
            },
            Some(count) => {
                if vector(reward, count, "reward", &mut self.reward).is_ok() {
                    return Ok(());
                }
                let numbers = numpy(py)?.call_method1(intern!(py, "asarray"), (reward,))?;
                let real = "fiub".contains(&letter(&numbers)?);
                let numbers = if real { numbers.call_method1(intern!(py, "astype"), ("float64",))? } else { numbers };
                vector(&numbers, count, "reward", &mut self.reward)?;
            }
        }
        Ok(())
    }
}

/// The numbers of a vector of `count`.
fn vector<T: Element + Copy>(value: &Bound<'_, PyAny>, count: usize, what: &str, out: &mut Vec<T>) -> PyResult<()> {
    let wanted = || format!("{} ({count},)", T::get_dtype(value.py()));
    let Ok(array) = value.cast::<PyArrayDyn<T>>() else {
        return refuse(what, &kind(value), &wanted());
    };
    if array.shape() != [count] {
        return refuse(what, &kind(value), &wanted());
    }
    out.extend(array.readonly().as_array().iter().copied());
    Ok(())
}

fn put(value: &Bound<'_, PyAny>, field: &Field, what: &str, place: Place<'_>) -> PyResult<()> {
    match field.dtype {
        Dtype::Bool => typed::<bool>(value, field, what, place),
        Dtype::Uint8 => typed::<u8>(value, field, what, place),
        Dtype::Int8 => typed::<i8>(value, field, what, place),
        Dtype::Uint16 => typed::<u16>(value, field, what, place),
        Dtype::Int16 => typed::<i16>(value, field, what, place),
        Dtype::Uint32 => typed::<u32>(value, field, what, place),
        Dtype::Int32 => typed::<i32>(value, field, what, place),
        Dtype::Uint64 => typed::<u64>(value, field, what, place),
        Dtype::Int64 => typed::<i64>(value, field, what, place),
        Dtype::Float32 => typed::<f32>(value, field, what, place),
        Dtype::Float64 => typed::<f64>(value, field, what, place),
    }
}

fn typed<T: Element + NoUninit>(
    value: &Bound<'_, PyAny>,
    field: &Field,
    what: &str,
    mut place: Place<'_>,
) -> PyResult<()> {
    if let Ok(array) = value.cast::<PyArrayDyn<T>>() {
        return copy(array, field, what, &mut place);
    }
    let other = converted(value, field, what, place.count)?;
    match other.cast::<PyArrayDyn<T>>() {
        Ok(array) => copy(array, field, what, &mut place),
        Err(_) => mismatch(value, field, what, place.count),
    }
}

fn copy<T: Element + NoUninit>(
    array: &Bound<'_, PyArrayDyn<T>>,
    field: &Field,
    what: &str,
    place: &mut Place<'_>,
) -> PyResult<()> {
    let shape = array.shape();
    let rest = match (place.count, shape.split_first()) {
        (None, _) => Some(shape),
        (Some(count), Some((first, rest))) if *first == count => Some(rest),
        _ => None,
    };
    if rest != Some(field.shape.as_slice()) {
        return mismatch(array.as_any(), field, what, place.count);
    }
    let borrowed = array.readonly();
    let bytes = field.bytes();
    let rows = place.out.chunks_exact_mut(place.stride).map(|row| &mut row[place.at..place.at + bytes]);
    match borrowed.as_slice() {
        // A slice is also given of an array that lies column by column.
        Ok(values) if array.is_c_contiguous() => {
            let values: &[u8] = bytemuck::cast_slice(values);
            for (row, values) in rows.zip(values.chunks_exact(bytes)) {
                row.copy_from_slice(values);
            }
        }
        _ => {
            let values = borrowed.as_array();
            let mut values = values.iter();
            for row in rows {
                for (out, value) in row.chunks_exact_mut(size_of::<T>()).zip(&mut values) {
                    out.copy_from_slice(bytemuck::bytes_of(value));
                }
            }
        }
    }
    Ok(())
}

/// What is no array of the declared type but holds the same: an integer of another width, an array of another library.
fn converted<'py>(
    value: &Bound<'py, PyAny>,
    field: &Field,
    what: &str,
    count: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let array = numpy(py)?.call_method1(intern!(py, "asarray"), (value,))?;
    let whole = |letter: &str| matches!(letter, "i" | "u");
    if array.getattr(intern!(py, "dtype"))?.eq(field.dtype.name())? || !whole(&letter(&array)?) {
        return Ok(array);
    }
    if matches!(field.dtype, Dtype::Bool | Dtype::Float32 | Dtype::Float64) {
        return Ok(array);
    }
    let cast = array.call_method1(intern!(py, "astype"), (field.dtype.name(),))?;
    let same = numpy(py)?.call_method1(intern!(py, "array_equal"), (&cast, &array))?;
    if same.extract()? { Ok(cast) } else { mismatch(value, field, what, count) }
}

fn numpy(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    Ok(py.import(intern!(py, "numpy"))?.into_any())
}

/// The letter of an array's kind of number.
fn letter(array: &Bound<'_, PyAny>) -> PyResult<String> {
    array.getattr(intern!(array.py(), "dtype"))?.getattr(intern!(array.py(), "kind"))?.extract()
}

/// What a value is, for a refusal.
fn kind(value: &Bound<'_, PyAny>) -> String {
    let shape = value.getattr("shape").and_then(|shape| Ok(shape.str()?.to_string()));
    let dtype = value.getattr("dtype").and_then(|dtype| Ok(dtype.str()?.to_string()));
    match (dtype, shape) {
        (Ok(dtype), Ok(shape)) => format!("{dtype} {shape}"),
        _ => value.get_type().name().map_or_else(|_| "an object".into(), |name| name.to_string()),
    }
}

fn mismatch<T>(value: &Bound<'_, PyAny>, field: &Field, what: &str, count: Option<usize>) -> PyResult<T> {
    let axes: Vec<String> = count.iter().chain(&field.shape).map(ToString::to_string).collect();
    let comma = if axes.len() == 1 { "," } else { "" };
    refuse(what, &kind(value), &format!("{} ({}{comma})", field.dtype.name(), axes.join(", ")))
}

fn refuse<T>(what: &str, got: &str, wanted: &str) -> PyResult<T> {
    Err(raise(Error::Shape { what: what.into(), got: got.into(), wanted: wanted.into() }))
}
