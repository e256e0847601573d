//! Binomial counts of units that share a chance, by tables that are made where they pay.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::binomial::{Binomial, block, quantile};
use super::table::Table;

/// Numbers of trials that stand together.
const PAGE: usize = 1024;
/// Pages: more than `PAGE × PAGES` trials have no table.
const PAGES: usize = 1024;
/// Numbers of 32 bits that all tables together may hold: 32 MiB.
const BUDGET: usize = 8 << 20;
/// Words of a call from which on a table that is missing is made.
const ENOUGH: usize = 256;
/// Units that are worked on together.
const CHUNK: usize = 256;

type Page = Box<[OnceLock<Option<Table>>]>;

/// A chance that many units share; draws are those of [`quantile`], by tables that are made at first use.
///
/// ```
/// use onetake_core::samplers::binomial::{Shared, quantile};
/// let mut out = [0; 2];
/// Shared::new(0.3).fill(&[5, 1 << 31], &[10, 2_000], &mut out);
/// assert_eq!(out, [quantile(5, 10, 0.3), quantile(1 << 31, 2_000, 0.3)]);
/// ```
#[derive(Debug)]
pub struct Shared {
    p: f64,
    pages: Box<[OnceLock<Page>]>,
    held: AtomicUsize,
}

impl Shared {
    /// For the chance `p` in [0, 1].
    pub fn new(p: f64) -> Self {
        Self { p, pages: (0..PAGES).map(|_| OnceLock::new()).collect(), held: AtomicUsize::new(0) }
    }

    /// The chance.
    pub fn chance(&self) -> f64 {
        self.p
    }

    /// [`quantile`] of each word with its own `n`; all slices have one length.
    #[inline(always)]
    pub fn fill(&self, words: &[u32], n: &[u32], out: &mut [u32]) {
        let make = out.len() >= ENOUGH;
        for ((words, n), out) in words.chunks(CHUNK).zip(n.chunks(CHUNK)).zip(out.chunks_mut(CHUNK)) {
            let mut missing = 0;
            for ((o, w), n) in out.iter_mut().zip(words).zip(n) {
                let table = self.made(*n).or_else(|| if make { self.make(*n) } else { None });
                match table {
                    Some(table) => *o = table.quantile(*w),
                    None => missing += 1,
                }
            }
            if missing > 0 {
                block(words, n, &[self.p; CHUNK][..n.len()], out);
            }
        }
    }

    /// [`quantile`] of each word with one `n` for all; both slices have one length.
    #[inline(always)]
    pub fn fill_same(&self, words: &[u32], n: u32, out: &mut [u32]) {
        let table = self.made(n).or_else(|| if out.len() >= ENOUGH { self.make(n) } else { None });
        if let Some(table) = table {
            return table.fill(words, out);
        }
        for (words, out) in words.chunks(CHUNK).zip(out.chunks_mut(CHUNK)) {
            block(words, &[n; CHUNK][..words.len()], &[self.p; CHUNK][..words.len()], out);
        }
    }

    /// The table of `n` trials, made where there is none yet; `None` where there can be none.
    pub fn table(&self, n: u32) -> Option<&Table> {
        self.made(n).or_else(|| self.make(n))
    }

    #[inline(always)]
    fn made(&self, n: u32) -> Option<&Table> {
        let n = n as usize;
        self.pages.get(n / PAGE)?.get()?.get(n % PAGE)?.get()?.as_ref()
    }

    /// Make the table of `n` where there is none yet and the budget allows it.
    #[cold]
    #[inline(never)]
    fn make(&self, n: u32) -> Option<&Table> {
        let p = self.p;
        let page = self.pages.get(n as usize / PAGE)?.get_or_init(|| (0..PAGE).map(|_| OnceLock::new()).collect());
        if self.held.load(Ordering::Relaxed) > BUDGET || n == 0 || p <= 0.0 || p >= 1.0 {
            return None;
        }
        page[n as usize % PAGE]
            .get_or_init(|| {
                let law = Binomial { n, p, q: 1.0 - p };
                let table = Table::new(law, quantile(0, n, p), quantile(u32::MAX, n, p))?;
                self.held.fetch_add(table.size(), Ordering::Relaxed);
                Some(table)
            })
            .as_ref()
    }
}
