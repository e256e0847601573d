//! Threads: how many there are changes how long work takes and nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};

/// By process too: a forked child has none of its parent's threads.
static POOLS: Mutex<BTreeMap<(u32, usize), Arc<ThreadPool>>> = Mutex::new(BTreeMap::new());

/// The pool of `threads` workers, made once and kept; `None` for one thread, which needs no pool.
///
/// # Errors
/// Refuses 0 threads, and more than the machine lets start.
pub fn pool(threads: usize) -> Result<Option<Arc<ThreadPool>>> {
    let refuse = |wanted: String| Error::Config { field: "threads".into(), got: threads.to_string(), wanted };
    match threads {
        0 => Err(refuse("at least 1".into())),
        1 => Ok(None),
        _ => {
            let place = (std::process::id(), threads);
            let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(pool) = pools.get(&place) {
                return Ok(Some(Arc::clone(pool)));
            }
            let pool = ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(|i| format!("onetake-{i}"))
                .build()
                .map_err(|error| refuse(format!("fewer threads: {error}")))?;
            let pool = Arc::new(pool);
            pools.insert(place, Arc::clone(&pool));
            Ok(Some(pool))
        }
    }
}

/// As many threads as the machine has cores.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
