//! Buffers and their tree against plain lists, whatever is added and in which order.

use onetake_core::error::Result;
use onetake_core::replay::priorities::Prioritization;
use onetake_core::replay::sum_tree::SumTree;
use onetake_core::replay::{Arrivals, Dtype, Field, Numbers, Replay, Settings};
use proptest::prelude::*;

/// A step: what was seen, whether it terminated or truncated, and what was seen behind it.
#[derive(Debug, Clone, Copy)]
struct Step {
    obs: u32,
    next: u32,
    terminated: bool,
    truncated: bool,
    /// What followed did not continue it.
    cut: bool,
}

impl Step {
    fn last(self) -> bool {
        self.terminated || self.truncated || self.cut
    }
}

fn settings(capacity: usize, n_step: u32, prioritized: bool) -> Settings {
    let field = |name: &str, dtype| Field { name: name.into(), dtype, shape: vec![] };
    let priorities = Prioritization { alpha: 1.0, beta: 0.5, beta_batches: 4, epsilon: 0.5 };
    Settings {
        obs: vec![field("", Dtype::Uint32)],
        action: field("action", Dtype::Int8),
        reward_dtype: Dtype::Float32,
        capacity,
        num_envs: 1,
        seed: 5,
        n_step,
        discount: 0.5,
        reset_steps: false,
        priorities: prioritized.then_some(priorities),
        hindsight: None,
    }
}

/// Add a step whose reward is what was seen, modulo 16: sums of such rewards and powers of 1/2 are exact.
fn add(replay: &mut Replay, step: Step) -> Result<()> {
    let mut bytes = step.obs.to_ne_bytes().to_vec();
    bytes.push(step.obs as u8);
    bytes.extend(step.next.to_ne_bytes());
    let (terminated, truncated) = ([step.terminated], [step.truncated]);
    let reward = [f64::from(step.obs % 16)];
    replay.add(Arrivals { bytes: &bytes, reward: &reward, terminated: &terminated, truncated: &truncated })
}

fn numbers(column: &Numbers) -> Vec<f64> {
    match column {
        Numbers::Uint32(x) => x.iter().map(|x| f64::from(*x)).collect(),
        Numbers::Float32(x) => x.iter().map(|x| f64::from(*x)).collect(),
        _ => Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_buffer_gives_what_a_list_does(
        capacity in 1_usize..20, n_step in 1_u32..5, prioritized in any::<bool>(),
        given in prop::collection::vec((0_u32..8, 0_u32..8), 1..60),
    ) {
        let mut replay = Replay::new(settings(capacity, n_step, prioritized), None)?;
        let mut list: Vec<Step> = Vec::new();
        let mut clock = 0;
        for (end, stray) in given {
            // After an end, and now and then without one, what is seen does not follow.
            if stray == 0 || list.last().is_some_and(|step| step.last()) {
                clock += 1;
            }
            if let Some(step) = list.last_mut() {
                step.cut = !step.last() && step.next != clock;
            }
            let step = Step { obs: clock, next: clock + 1, terminated: end == 0, truncated: end == 1, cut: false };
            add(&mut replay, step)?;
            list.push(step);
            clock += 1;
        }
        let held = capacity.min(list.len());
        prop_assert_eq!(replay.held(), held as u64);
        let batch = replay.sample(held, None)?;
        let columns = [&batch.obs[0].numbers, &batch.next_obs[0].numbers, &batch.reward, &batch.discount];
        let [obs, next, reward, discount] = columns.map(numbers);
        for (i, index) in batch.index.iter().enumerate() {
            let at = *index as usize;
            prop_assert!(at + held >= list.len() && at < list.len());
            let (mut sum, mut worth, mut last) = (0.0, 1.0, list[at]);
            for step in list[at..].iter().take(n_step as usize) {
                sum += worth * f64::from(step.obs % 16);
                worth *= 0.5;
                last = *step;
                if step.last() {
                    break;
                }
            }
            let worth = if last.terminated { 0.0 } else { worth };
            prop_assert_eq!((obs[i], next[i]), (f64::from(list[at].obs), f64::from(last.next)));
            prop_assert_eq!((reward[i], discount[i]), (sum, worth));
            prop_assert_eq!((batch.terminated[i], batch.truncated[i]), (last.terminated, last.truncated));
        }
    }

    #[test]
    fn a_tree_finds_the_leaf_that_a_running_sum_does(
        leaves in prop::collection::vec(0_u8..4, 1..700),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4), 0..40),
        places in prop::collection::vec(0.0..1.0_f64, 20),
    ) {
        let mut plain: Vec<f32> = leaves.iter().map(|leaf| f32::from(*leaf)).collect();
        let mut tree = SumTree::from_leaves(plain.clone());
        let changes: Vec<(usize, f32)> =
            changes.iter().map(|(at, leaf)| (at.index(plain.len()), f32::from(*leaf))).collect();
        let (one_by_one, at_once) = changes.split_at(changes.len() / 2);
        for (at, leaf) in one_by_one {
            tree.set(*at, *leaf);
        }
        tree.set_many(at_once);
        for (at, leaf) in &changes {
            plain[*at] = *leaf;
        }
        // Sums of small whole numbers are exact.
        let total: f64 = plain.iter().map(|leaf| f64::from(*leaf)).sum();
        prop_assert_eq!(tree.total(), total);
        for place in places.iter().filter(|_| total > 0.0) {
            let mass = place * total;
            let mut sum = 0.0;
            let want = plain.iter().position(|leaf| { sum += f64::from(*leaf); mass < sum });
            prop_assert_eq!(Some(tree.find(mass)), want);
        }
    }
}
