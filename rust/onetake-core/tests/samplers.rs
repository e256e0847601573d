//! Every path of a monotone sampler gives the canonical quantile of the word.

use onetake_core::rng::{Key, Stream};
use onetake_core::samplers::{binomial, poisson};

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
