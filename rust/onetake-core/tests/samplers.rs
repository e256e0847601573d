//! Every path of a monotone sampler gives the canonical quantile of the word.

use onetake_core::dispatch::{self, Kernel, Level};
use onetake_core::rng::{Key, Stream, unit};
use onetake_core::samplers::{Neighbours, beta, binomial, gamma, normal, poisson};
use proptest::prelude::*;

const LEVELS: [Level; 3] = [Level::Baseline, Level::Avx2, Level::Avx512];

/// Every block function in one kernel. (A closure inside would leave the instruction set that is to be tested.)
struct Blocks<'a> {
    words: &'a [u32],
    n: &'a [u32],
    p: &'a [f64],
    rate: &'a [f64],
    source: Neighbours,
}

impl Kernel for Blocks<'_> {
    type Output = (Vec<u32>, Vec<u32>, Vec<f64>);
    #[inline(always)]
    fn run(self) -> Self::Output {
        let len = self.words.len();
        let (mut counts, mut events, mut z) = (vec![0; len], vec![0; len], vec![0.0; len]);
        binomial::block(self.words, self.n, self.p, &mut counts);
        poisson::block(self.words, self.rate, &mut events);
        normal::block(self.words, &mut z);
        let (mut g, mut b) = ([0.0; 256], [0.0; 256]);
        let (rate, p) = (&self.rate[..256], &self.p[..256]);
        gamma::block(self.source, 0, rate, &mut g);
        beta::block(self.source, 0, rate, p, &mut b);
        z.extend(g);
        z.extend(b);
        (counts, events, z)
    }
}

/// The smallest k whose threshold passes the word, by bisection over the definition.
fn defined(word: u32, top: u32, threshold: impl Fn(u32) -> u64) -> u32 {
    let (mut low, mut high) = (0, top);
    while low < high {
        let middle = low + (high - low) / 2;
        if u64::from(word) < threshold(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

const CHANCES: [f64; 13] = [1e-12, 1e-7, 1e-4, 0.003, 0.02, 0.1, 0.3, 0.5, 0.51, 0.7, 0.93, 0.999, 1.0 - 1e-9];
const TRIALS: [u32; 14] = [1, 2, 3, 7, 20, 49, 51, 100, 333, 1_000, 4_999, 10_000, 100_003, 1_000_000];

#[test]
fn binomial_quantile_is_the_definition_around_every_kind_of_word() {
    let words = Key::new(1, Stream::AGENT).words(0, 0, 0, 0, 0, 20);
    let edges = [0, 1, 1 << 20, (1 << 31) - 1, 1 << 31, u32::MAX - 1, u32::MAX];
    for n in TRIALS {
        for p in CHANCES {
            let threshold = |k| binomial::threshold(k, n, p);
            for word in words.iter().chain(&edges) {
                let want = defined(*word, n, threshold);
                assert_eq!(binomial::quantile(*word, n, p), want, "n {n} p {p} word {word}");
                // The words on both sides of the boundary above: the last of `want` and the first beyond it.
                let last = threshold(want) - 1;
                assert_eq!(binomial::quantile(last as u32, n, p), want, "n {n} p {p} word {last}");
                if let Ok(beyond) = u32::try_from(last + 1) {
                    assert!(binomial::quantile(beyond, n, p) > want, "n {n} p {p} word {beyond}");
                }
            }
        }
    }
}

#[test]
fn poisson_quantile_is_the_definition_around_every_kind_of_word() {
    let words = Key::new(2, Stream::AGENT).words(0, 0, 0, 0, 0, 60);
    for rate in [1e-9, 0.01, 0.7, 3.0, 11.9, 12.1, 40.0, 1e3, 1e5, 1e6] {
        let threshold = |k| poisson::threshold(k, rate);
        for word in words.iter().chain(&[0, 1, u32::MAX - 1, u32::MAX]) {
            let want = defined(*word, (rate * 3.0) as u32 + 60, threshold);
            assert_eq!(poisson::quantile(*word, rate), want, "rate {rate} word {word}");
            let last = threshold(want) - 1;
            assert_eq!(poisson::quantile(last as u32, rate), want, "rate {rate} word {last}");
            if let Ok(beyond) = u32::try_from(last + 1) {
                assert!(poisson::quantile(beyond, rate) > want, "rate {rate} word {beyond}");
            }
        }
    }
}

#[test]
fn certain_and_impossible_chances_are_exact() {
    for word in [0, 5, u32::MAX] {
        assert_eq!(binomial::quantile(word, 0, 0.4), 0);
        assert_eq!(binomial::quantile(word, 9, 0.0), 0);
        assert_eq!(binomial::quantile(word, 9, 1.0), 9);
        assert_eq!(poisson::quantile(word, 0.0), 0);
    }
}

/// Trials and chances of every kind: from 1 to 10^7 trials, chances from 10^-7 to 1 - 10^-7.
fn population(seed: u64, len: usize) -> (Vec<u32>, Vec<u32>, Vec<f64>) {
    let key = Key::new(seed, Stream::AGENT);
    let n = key.words(0, 0, 0, 0, 0, len).iter().map(|w| 10_f64.powf(7.0 * unit(*w)) as u32).collect();
    let chance = |w: &u32| {
        let rare = 0.5 * 10_f64.powf(-7.0 * (2.0 * unit(*w) % 1.0));
        if *w >> 31 == 0 { rare } else { 1.0 - rare }
    };
    let p = key.words(1, 0, 0, 0, 0, len).iter().map(chance).collect();
    (key.words(2, 0, 0, 0, 0, len), n, p)
}

#[test]
fn blocks_equal_single_draws_and_each_other_at_every_level() {
    let (words, n, p) = population(3, 20_000);
    let rate: Vec<f64> = n.iter().map(|n| f64::from(*n) * 0.01).collect();
    let counts: Vec<u32> = (0..words.len()).map(|i| binomial::quantile(words[i], n[i], p[i])).collect();
    let events: Vec<u32> = (0..words.len()).map(|i| poisson::quantile(words[i], rate[i])).collect();
    let source = Neighbours { key: Key::new(5, Stream::AGENT), slot: 3, step: 9, replicate: 1, entity: 2 };
    let mut first: Option<Vec<u64>> = None;
    for level in LEVELS {
        let blocks = Blocks { words: &words, n: &n, p: &p, rate: &rate, source };
        let (got_counts, got_events, numbers) = dispatch::run_at(level, blocks);
        assert_eq!(got_counts, counts);
        assert_eq!(got_events, events);
        assert!(numbers.iter().zip(&words).all(|(z, w)| z.to_bits() == normal::quantile(*w).to_bits()));
        let bits: Vec<u64> = numbers.iter().map(|x| x.to_bits()).collect();
        assert_eq!(*first.get_or_insert_with(|| bits.clone()), bits);
    }
}

proptest! {
    #[test]
    fn counts_never_fall_where_word_trials_or_chance_rise(
        word in any::<u32>(), more in any::<u32>(), n in 1_u32..5_000_000, p in 0.0..1.0_f64, up in 0.0..1.0_f64,
        power in 0_i32..8,
    ) {
        let p = p * 10_f64.powi(-power);
        let k = binomial::quantile(word, n, p);
        prop_assert!(binomial::quantile(word.saturating_add(more), n, p) >= k);
        prop_assert!(binomial::quantile(word, n + more % 1000, p) >= k);
        prop_assert!(binomial::quantile(word, n, p + (1.0 - p) * up) >= k);
        let rate = f64::from(n) * p;
        let events = poisson::quantile(word, rate);
        prop_assert!(poisson::quantile(word.saturating_add(more), rate) >= events);
        prop_assert!(poisson::quantile(word, rate * (1.0 + up)) >= events);
    }

    #[test]
    fn a_cut_batch_draws_what_the_whole_one_does(cut in 1_usize..299, entity in 0_u32..1000) {
        let (words, n, p) = population(6, 300);
        let (mut whole, mut parts) = (vec![0; 300], vec![0; 300]);
        binomial::fill(&words, &n, &p, &mut whole);
        binomial::fill(&words[..cut], &n[..cut], &p[..cut], &mut parts[..cut]);
        binomial::fill(&words[cut..], &n[cut..], &p[cut..], &mut parts[cut..]);
        prop_assert_eq!(whole, parts);
        let source = Neighbours { key: Key::new(5, Stream::AGENT), slot: 0, step: 1, replicate: 0, entity };
        let (mut whole, mut parts) = (vec![0.0; 300], vec![0.0; 300]);
        beta::fill(source, &p, &p, &mut whole);
        let (left, right) = parts.split_at_mut(cut);
        beta::fill(source, &p[..cut], &p[..cut], left);
        beta::fill(Neighbours { entity: entity + cut as u32, ..source }, &p[cut..], &p[cut..], right);
        prop_assert_eq!(whole, parts);
    }
}

#[test]
fn tables_of_shared_parameters_give_the_same_counts_on_both_sides_of_every_threshold() {
    let random = Key::new(8, Stream::AGENT).words(0, 0, 0, 0, 0, 600);
    let edges = |top: u32, threshold: &dyn Fn(u32) -> u64| {
        let ends = (0..=top).map(threshold).flat_map(|t| [t.saturating_sub(1), t]);
        let mut words: Vec<u32> = ends.filter_map(|w| u32::try_from(w).ok()).chain([u32::MAX]).collect();
        words.extend(&random);
        words
    };
    for p in CHANCES {
        let shared = binomial::Shared::new(p);
        for n in [0, 1, 7, 100, 999, 2_000] {
            let words = edges(n, &|k| binomial::threshold(k, n, p));
            let mut out = vec![0; words.len()];
            shared.fill_same(&words, n, &mut out);
            for (k, w) in out.iter().zip(&words) {
                assert_eq!(*k, binomial::quantile(*w, n, p), "n {n} p {p} word {w}");
            }
        }
        let (words, n, _) = population(9, 2_000);
        let mut out = vec![0; words.len()];
        shared.fill(&words, &n, &mut out);
        for i in 0..n.len() {
            assert_eq!(out[i], binomial::quantile(words[i], n[i], p), "n {} p {p} word {}", n[i], words[i]);
        }
    }
    for rate in [0.0, 1e-9, 0.4, 6.0, 80.0, 900.0] {
        let words = edges((rate * 2.0) as u32 + 20, &|k| poisson::threshold(k, rate));
        let mut out = vec![0; words.len()];
        poisson::Shared::new(rate).fill(&words, &mut out);
        for (k, w) in out.iter().zip(&words) {
            assert_eq!(*k, poisson::quantile(*w, rate), "rate {rate} word {w}");
        }
    }
}
