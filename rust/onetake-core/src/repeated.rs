//! Chances that come again: from the second time on, their counts are drawn by tables, and come out the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::dispatch::{self, Kernel};
use crate::samplers::binomial::{Shared, Table};
use crate::samplers::flat::Flat;

/// Most chances that have tables at one time.
const MOST: usize = 32;
/// Most chances that are remembered: a chance that changes at every step must not fill the memory.
const REMEMBERED: usize = 1024;

/// Most flat tables at one time: one for each day of a week, and some.
const MOST_FLAT: usize = 16;

/// A flat table by its chances and its numbers of trials: empty after the first time, `None` within where none can be.
type Flats = BTreeMap<(Vec<u64>, [u32; 2]), Option<Option<Arc<Flat>>>>;

/// Remembers chances, and keeps the tables of those that came twice.
#[derive(Debug, Default)]
pub struct Repeated {
    seen: Mutex<BTreeMap<u64, Option<Arc<Shared>>>>,
    flat: Mutex<Flats>,
}

impl Repeated {
    /// The tables of each of `chances`, if all of them have come before and there is room for them.
    pub fn tables(&self, chances: &[f64]) -> Option<Vec<Arc<Shared>>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tables = Vec::with_capacity(chances.len());
        for &chance in chances {
            let (made, remembered) = (seen.values().flatten().count(), seen.len());
            match seen.get_mut(&chance.to_bits()) {
                Some(Some(table)) => tables.push(Arc::clone(table)),
                Some(empty) if made < MOST => {
                    tables.push(Arc::clone(empty.insert(Arc::new(Shared::new(chance)))));
                }
                None if remembered < REMEMBERED => {
                    seen.insert(chance.to_bits(), None);
                }
                _ => {}
            }
        }
        (tables.len() == chances.len()).then_some(tables)
    }

    /// One flat table of all `chances` for that many trials, if they have come together before and there is room.
    pub fn flat(&self, chances: &[f64], trials: [u32; 2]) -> Option<Arc<Flat>> {
        let mut flat = self.flat.lock().unwrap_or_else(PoisonError::into_inner);
        let (made, remembered) = (flat.values().flatten().count(), flat.len());
        let place = (chances.iter().map(|chance| chance.to_bits()).collect(), trials);
        match flat.get_mut(&place) {
            Some(Some(table)) => table.clone(),
            Some(empty) if made < MOST_FLAT => {
                empty.insert(Flat::new(chances, trials[0], trials[1]).map(Arc::new)).clone()
            }
            None if remembered < REMEMBERED => {
                flat.insert(place, None);
                None
            }
            _ => None,
        }
    }
}

/// [`fill_by_arm`] where all units have `n` trials.
pub fn fill_same_by_arm(tables: &[Arc<Shared>], arms: &[u32], words: &[u32], n: u32, out: &mut [u32]) {
    let found: Option<Vec<&Table>> = tables.iter().map(|table| table.table(n)).collect();
    match found {
        Some(tables) => dispatch::run(Same { tables: &tables, arms, words, out }),
        None => fill_by_arm(tables, arms, words, &vec![n; out.len()], out),
    }
}

struct Same<'a> {
    tables: &'a [&'a Table],
    arms: &'a [u32],
    words: &'a [u32],
    out: &'a mut [u32],
}

impl Kernel for Same<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let last = self.tables.len() - 1;
        if self.tables.iter().all(|table| std::ptr::eq(*table, self.tables[0])) {
            return self.tables[0].fill(self.words, self.out);
        }
        for ((out, word), arm) in self.out.iter_mut().zip(self.words).zip(self.arms) {
            *out = self.tables[(*arm as usize).min(last)].quantile(*word);
        }
    }
}

/// Draw the counts of units whose chance is that of their arm: one table an arm, or one for all arms.
pub fn fill_by_arm(tables: &[Arc<Shared>], arms: &[u32], words: &[u32], n: &[u32], out: &mut [u32]) {
    dispatch::run(ByArm { tables, arms, words, n, out });
}

struct ByArm<'a> {
    tables: &'a [Arc<Shared>],
    arms: &'a [u32],
    words: &'a [u32],
    n: &'a [u32],
    out: &'a mut [u32],
}

impl Kernel for ByArm<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { tables, arms, words, n, out } = self;
        if let [table] = tables {
            return table.fill(words, n, out);
        }
        let len = out.len();
        let (mut places, mut own_words) = (vec![0; len], vec![0; len]);
        let (mut own_n, mut own) = (vec![0; len], vec![0; len]);
        for (arm, table) in tables.iter().enumerate() {
            let mut count = 0;
            for (i, &played) in arms.iter().enumerate() {
                places[count.min(len - 1)] = i;
                count += usize::from(played as usize == arm);
            }
            for (j, &i) in places[..count].iter().enumerate() {
                own_words[j] = words[i];
                own_n[j] = n[i];
            }
            table.fill(&own_words[..count], &own_n[..count], &mut own[..count]);
            for (&i, &count) in places[..count].iter().zip(&own) {
                out[i] = count;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samplers::binomial::quantile;

    #[test]
    fn tables_come_with_the_second_time_and_give_the_same_counts() {
        let repeated = Repeated::default();
        let chances = [0.2, 0.7, 0.01];
        assert!(repeated.tables(&chances).is_none());
        let tables = repeated.tables(&chances).unwrap_or_default();
        let arms: Vec<u32> = (0..3000).map(|i| i * 7 % 3).collect();
        let words: Vec<u32> = (0..3000_u32).map(|i| i.wrapping_mul(0x9E37_79B9)).collect();
        let n: Vec<u32> = (0..3000).map(|i| 100 + i % 5).collect();
        let mut out = vec![0; 3000];
        fill_by_arm(&tables, &arms, &words, &n, &mut out);
        for i in 0..3000 {
            assert_eq!(out[i], quantile(words[i], n[i], chances[arms[i] as usize]));
        }
        // A table, and a chance that has none for so many.
        for n in [3000, 4_000_000_000] {
            fill_same_by_arm(&tables, &arms, &words, n, &mut out);
            for i in 0..3000 {
                assert_eq!(out[i], quantile(words[i], n, chances[arms[i] as usize]));
            }
        }
        assert!(repeated.flat(&chances, [100, 104]).is_none());
        let Some(flat) = repeated.flat(&chances, [100, 104]) else { panic!("it came twice") };
        flat.fill(&arms, &words, &n, &mut out);
        for i in 0..3000 {
            assert_eq!(out[i], quantile(words[i], n[i], chances[arms[i] as usize]));
        }
    }

    #[test]
    fn chances_that_never_come_again_are_forgotten() {
        let repeated = Repeated::default();
        for i in 0..5000 {
            assert!(repeated.tables(&[f64::from(i) / 5000.0]).is_none());
        }
        assert!(repeated.seen.lock().is_ok_and(|seen| seen.len() <= REMEMBERED));
    }
}
