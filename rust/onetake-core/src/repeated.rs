//! Chances that come again: from the second time on, their counts are drawn by tables, and come out the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::dispatch::{self, Kernel};
use crate::samplers::binomial::Shared;

/// Most chances that have tables at one time.
const MOST: usize = 32;
/// Most chances that are remembered: a chance that changes at every step must not fill the memory.
const REMEMBERED: usize = 1024;

/// Remembers chances, and keeps the tables of those that came twice.
#[derive(Debug, Default)]
pub struct Repeated {
    seen: Mutex<BTreeMap<u64, Option<Arc<Shared>>>>,
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
