//! The one error type of the core.

use thiserror::Error;

/// What can be refused, always with the name of the argument, what was got and what was wanted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration value that cannot be used.
    #[error("{field}: got {got}; wanted {wanted}")]
    Config {
        /// Path of the field in the configuration.
        field: String,
        /// What was given.
        got: String,
        /// What would have been right.
        wanted: String,
    },
    /// An array of another shape, length or range than declared.
    #[error("{what}: got {got}; wanted {wanted}")]
    Shape {
        /// Name of the argument.
        what: String,
        /// What was given.
        got: String,
        /// What would have been right.
        wanted: String,
    },
    /// A name that is not registered.
    #[error("unknown {kind} '{name}'; known: {known}")]
    Unknown {
        /// Kind of thing that was looked for.
        kind: &'static str,
        /// The name that was given.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// Something was asked for before it can be had.
    #[error("{what}: {need}")]
    NotReady {
        /// What was asked for.
        what: String,
        /// What must come first.
        need: String,
    },
    /// A place that cannot be written.
    #[error("{place}: got {got}; wanted {wanted}")]
    Output {
        /// The file.
        place: String,
        /// What the machine said.
        got: String,
        /// What was expected.
        wanted: String,
    },
    /// Saved bytes that are not what they should be.
    #[error("saved state: got {got}; wanted {wanted}")]
    State {
        /// What was found.
        got: String,
        /// What was expected.
        wanted: String,
    },
}

/// Result with the core's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
