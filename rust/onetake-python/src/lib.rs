//! The seam between Python and `onetake-core`: it checks, detaches, calls and wraps, and nothing else.

mod arrays;
mod arrivals;
mod draws;
mod elementary;
mod errors;
mod fleet;
mod linear;
mod market;
mod replay;
mod sim;

/// The native core of onetake. Use the typed Python modules above it.
#[pyo3::pymodule]
mod _core {
    #[pymodule_export]
    use super::draws::DrawBatch;
    #[pymodule_export]
    use super::draws::philox_block;
    #[pymodule_export]
    use super::draws::words;
    #[pymodule_export]
    use super::elementary::exp;
    #[pymodule_export]
    use super::elementary::log;
    #[pymodule_export]
    use super::elementary::power;
    #[pymodule_export]
    use super::elementary::resampled;
    #[pymodule_export]
    use super::elementary::totals;
    #[pymodule_export]
    use super::fleet::Fleet;
    #[pymodule_export]
    use super::linear::Linear;
    #[pymodule_export]
    use super::linear::normal_chances;
    #[pymodule_export]
    use super::market::AuctionBatch;
    #[pymodule_export]
    use super::market::MarketBatch;
    #[pymodule_export]
    use super::market::price_learners;
    #[pymodule_export]
    use super::replay::Replay;
    #[pymodule_export]
    use super::sim::VecSim;
    #[pymodule_export]
    use super::sim::family_names;
    #[pymodule_export]
    use super::sim::family_tables;

    #[pymodule_init]
    fn init(m: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        use pyo3::types::PyModuleMethods;
        // The hash that `build.rs` makes of the Rust sources.
        m.add("__source__", env!("ONETAKE_SOURCE"))?;
        m.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
