//! The families, one file each. This list is the only one: what stands here can be named in configuration.

use std::sync::Arc;

use rayon::ThreadPool;

use crate::batch::Batch;
use crate::columns::Column;
use crate::error::{Error, Result};
use crate::family::Family;
use crate::simulator::{Layout, Simulator};

macro_rules! families {
    ($($module:ident :: $family:ident),+ $(,)?) => {
        $(pub mod $module;)+

        /// Names of all families, in alphabetical order.
        pub const NAMES: &[&str] = &[$($module::$family::NAME),+];

        /// Names of the tables that the family `name` takes beside its columns: shared by all, of any length.
        ///
        /// # Errors
        /// Names the family that is unknown.
        pub fn tables(name: &str) -> Result<&'static [&'static str]> {
            match name {
                $($module::$family::NAME => Ok($module::$family::TABLES),)+
                _ => Err(Error::Unknown { kind: "family", name: name.into(), known: NAMES.join(", ") }),
            }
        }

        /// Make a batch of the family `name` from the JSON text of its configuration.
        ///
        /// # Errors
        /// Names the family that is unknown, or the field, column or argument that cannot be used.
        pub fn make(
            name: &str,
            json: &str,
            columns: Vec<Column>,
            layout: Layout,
            pool: Option<Arc<ThreadPool>>,
        ) -> Result<Box<dyn Simulator>> {
            match name {
                $($module::$family::NAME => Ok(Box::new(Batch::<$module::$family>::new(json, columns, layout, pool)?)),)+
                _ => Err(Error::Unknown { kind: "family", name: name.into(), known: NAMES.join(", ") }),
            }
        }
    };
}

families! {
    bandit::Bandit,
    cartpole::CartPole,
    cohort::Cohort,
    intervention::Intervention,
    pendulum::Pendulum,
    perishable::Perishable,
    pricing::Pricing,
    reach::Reach,
    tabular::Tabular,
}
