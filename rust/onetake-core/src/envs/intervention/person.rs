//! People as chains: the compact parameters of a person, one day of theirs, and the chain that they come to.

use super::{Config, FATIGUE, MOVE, START, single};
use crate::columns::{Columns, Param};
use crate::config::{self, CHANCE, refuse};
use crate::dispatch::{self, Kernel};
use crate::error::Result;
use crate::family::{Channel, Rows, Run, State};
use crate::modifiers::Level;
use crate::restless::Chain;
use crate::samplers::bernoulli;

const AMOUNT: (&str, fn(f64) -> bool) = ("a number, at least 0", |v| v >= 0.0 && v.is_finite());
const STEP: (&str, fn(f64) -> bool) = ("a finite number", |v: f64| v.is_finite());

/// Most levels, days of memory and actions: tables of this size are looked up without a branch.
const MOST: usize = 64;

/// People with parameters of their own.
#[derive(Debug)]
pub(super) struct People {
    /// Baseline, responsiveness, fatigue rate, recovery, value.
    own: [Param; 5],
    /// Cost, effect and burden of each action.
    actions: Vec<[f64; 3]>,
    pace: f64,
    /// Share of the lift that each level of fatigue takes away.
    dull: f64,
    fatigues: usize,
    /// What is left of an intervention so many days later, by days less 1; nothing at the last of `memory` places.
    echo: [f64; MOST],
    memory: usize,
    levels: u32,
}

impl People {
    pub(super) fn new(config: &Config, columns: &mut Columns) -> Result<Self> {
        let own = [
            single(columns, "baseline", config.baseline, CHANCE)?,
            single(columns, "responsiveness", config.responsiveness, STEP)?,
            single(columns, "fatigue_rate", config.fatigue_rate, CHANCE)?,
            single(columns, "recovery", config.recovery, CHANCE)?,
            single(columns, "value", config.value, AMOUNT)?,
        ];
        for (name, count, least) in
            [("levels", config.levels, 2), ("fatigue_levels", config.fatigue_levels, 1), ("memory", config.memory, 1)]
        {
            if !(least..=MOST as u32).contains(&count) {
                return Err(refuse(&format!("intervention.{name}"), count, format!("a whole number in [{least}, {MOST}]")));
            }
        }
        for (name, share) in
            [("pace", config.pace), ("dulling", config.dulling), ("carry_over", config.carry_over)]
        {
            if !(0.0..=1.0).contains(&share) {
                return Err(refuse(&format!("intervention.{name}"), share, "a share in [0, 1]"));
            }
        }
        let lists = [("cost", &config.cost), ("effect", &config.effect), ("burden", &config.burden)];
        let arms = config::arms("intervention", &lists.map(|(name, list)| (name, list.0.len())))?;
        let mut columns_of = Vec::new();
        for (name, list) in lists {
            columns_of.push(list.spread(&format!("intervention.{name}"), arms)?);
        }
        if !(2..=MOST).contains(&arms) || columns_of[1][0] != 0.0 {
            return Err(refuse("intervention.effect", columns_of[1][0], "two actions to 64, the first with effect 0"));
        }
        let (most, memory) = (f64::from(config.fatigue_levels.max(2) - 1), config.memory as usize);
        Ok(Self {
            own,
            actions: (0..arms).map(|arm| [columns_of[0][arm], columns_of[1][arm], columns_of[2][arm]]).collect(),
            pace: config.pace,
            dull: config.dulling / most,
            fatigues: config.fatigue_levels as usize,
            echo: std::array::from_fn(|d| if d + 1 < memory { power(config.carry_over, d as u32 + 1) } else { 0.0 }),
            memory,
            levels: config.levels,
        })
    }

    pub(super) fn arms(&self) -> usize {
        self.actions.len()
    }

    pub(super) fn params(&self) -> &[Param] {
        &self.own
    }

    pub(super) fn reward_bounds(&self) -> (Param, Param) {
        let costs = || self.actions.iter().map(|action| action[0]);
        let (least, most) = (costs().fold(f64::INFINITY, f64::min), costs().fold(f64::NEG_INFINITY, f64::max));
        (Param::shared(vec![-most]), self.own[4].map_rows(|value| value[0] - least))
    }

    pub(super) fn channels(&self) -> Vec<Channel> {
        vec![
            Channel::new("engagement", 0.0, (self.levels - 1) as f32),
            Channel::new("fatigue", 0.0, (self.fatigues - 1) as f32),
            Channel::new("days_since", 1.0, self.memory as f32),
            Channel::new("available", 0.0, 1.0),
        ]
    }

    /// Everybody starts rested and untreated, fully engaged with the chance of their baseline, else not at all.
    pub(super) fn start(&self, run: &Run<'_>, rows: Rows<'_>, state: &mut State<'_>) {
        let mut words = vec![0; run.len];
        run.words(START, &mut words);
        let chances = run.cells(&self.own[0]);
        for i in rows.iter() {
            state.values[i] = f64::from(self.levels - 1) * bernoulli::draw(words[i], chances.at(i, 0));
            state.values[state.len + i] = 0.0;
            state.values[2 * state.len + i] = self.memory as f64;
        }
    }

    pub(super) fn step(&self, run: &Run<'_>, arms: &[u32], state: &mut State<'_>, reward: &mut [f64]) {
        let (mut moves, mut tired) = (vec![0; run.len], vec![0; run.len]);
        run.words(MOVE, &mut moves);
        run.words(FATIGUE, &mut tired);
        dispatch::run(Day { people: self, run, arms, moves: &moves, tired: &tired, state, reward });
    }

    /// Chance that engagement rises by a level, where it can; it falls with chance `pace` less this.
    #[inline(always)]
    fn rise(&self, own: [f64; 2], level: f64, effect: f64, fatigue: f64, days: f64) -> f64 {
        let lift = (effect + self.echo[(days as i32 - 1) as usize % MOST]) * (1.0 - self.dull * fatigue);
        self.pace * ((own[0] + own[1] * lift) * level).clamp(0.0, 1.0)
    }

    /// Chance that fatigue rises under an action other than 0, or falls under 0.
    #[inline(always)]
    fn turn(rate: f64, recovery: f64, arm: usize, burden: f64) -> f64 {
        if arm == 0 { recovery } else { (rate * burden).clamp(0.0, 1.0) }
    }

    pub(super) fn expected(&self, run: &Run<'_>, state: &[f64], out: &mut [f64]) {
        let top = f64::from(self.levels - 1);
        let cells: [_; 5] = std::array::from_fn(|k| run.cells(&self.own[k]));
        for (arm, column) in out.chunks_exact_mut(run.len).enumerate() {
            let [cost, effect, _] = self.actions[arm];
            for (i, value) in column.iter_mut().enumerate() {
                let (engaged, fatigue, days) = (state[i], state[run.len + i], state[2 * run.len + i]);
                let own = [cells[0].at(i, 0), cells[1].at(i, 0)];
                let rise = self.rise(own, run.level.at(i), effect, fatigue, days);
                let up = if engaged < top { rise } else { 0.0 };
                let down = if engaged > 0.0 { self.pace - rise } else { 0.0 };
                *value = cells[4].at(i, 0) * ((engaged + up - down) / top) - cost;
            }
        }
    }

    /// Number of states of a person: engagement × fatigue × days since the last intervention.
    pub(super) fn states(&self) -> usize {
        self.levels as usize * self.fatigues * self.memory
    }

    /// Place of a state in the chain.
    pub(super) fn place(&self, engaged: f64, fatigue: f64, days: f64) -> usize {
        (engaged as usize * self.fatigues + fatigue as usize) * self.memory + days as usize - 1
    }

    /// The chain of environment `i` of a run; state `(engagement × fatigues + fatigue) × memory + days − 1`.
    pub(super) fn chain(&self, run: &Run<'_>, i: usize, availability: f64) -> Chain {
        let own: [f64; 5] = std::array::from_fn(|k| run.cells(&self.own[k]).at(i, 0));
        let level = run.level.at(i);
        let (fatigues, memory, top) = (self.fatigues, self.memory, self.levels as usize - 1);
        let mut chain = Chain { states: self.states(), actions: self.arms(), availability, ..Chain::default() };
        for (arm, &[cost, effect, burden]) in self.actions.iter().enumerate() {
            for state in 0..chain.states {
                let (engaged, fatigue, days) = (state / memory / fatigues, state / memory % fatigues, state % memory);
                let rise = self.rise([own[0], own[1]], level, effect, fatigue as f64, (days + 1) as f64);
                let (up, down) = (if engaged < top { rise } else { 0.0 }, if engaged > 0 { self.pace - rise } else { 0.0 });
                let turn = Self::turn(own[2], own[3], arm, burden);
                let other = if arm == 0 { fatigue.saturating_sub(1) } else { (fatigue + 1).min(fatigues - 1) };
                let later = if arm == 0 { (days + 1).min(memory - 1) } else { 0 };
                chain.rewards.push(own[4] * ((engaged as f64 + up - down) / top as f64) - cost);
                chain.offsets.push(chain.moves.len());
                for (engaged, chance) in [(engaged + 1, up), (engaged, 1.0 - up - down), (engaged.wrapping_sub(1), down)] {
                    for (fatigue, share) in [(other, turn), (fatigue, 1.0 - turn)] {
                        if chance * share > 0.0 {
                            let to = (engaged * fatigues + fatigue) * memory + later;
                            chain.moves.push((to as u32, chance * share));
                        }
                    }
                }
            }
        }
        chain.offsets.push(chain.moves.len());
        chain.start = vec![0.0; chain.states];
        chain.start[memory - 1] = 1.0 - own[0];
        chain.start[(top * fatigues + 1) * memory - 1] += own[0];
        chain
    }
}

/// `base` to a small whole power, by multiplication.
fn power(base: f64, times: u32) -> f64 {
    (0..times).fold(1.0, |product, _| product * base)
}

/// One day of neighbours.
struct Day<'a, 'b> {
    people: &'a People,
    run: &'a Run<'a>,
    arms: &'a [u32],
    moves: &'a [u32],
    tired: &'a [u32],
    state: &'a mut State<'b>,
    reward: &'a mut [f64],
}

impl Kernel for Day<'_, '_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { people, run, arms, moves, tired, state, reward } = self;
        let len = run.len;
        let (engagement, rest) = state.values.split_at_mut(len);
        let (fatigue, rest) = rest.split_at_mut(len);
        let (days, reward) = (&mut rest[..len], &mut reward[..len]);
        let (arms, moves, tired) = (&arms[..len], &moves[..len], &tired[..len]);
        let mut rooms: [Vec<f64>; 5] = Default::default();
        let mut rows = rooms.iter_mut().zip(&people.own).map(|(room, own)| run.cells(own).in_a_row(len, room));
        let [base, respond, rate, recovery, worth] = std::array::from_fn(|_| &rows.next().unwrap_or_default()[..len]);
        let mut levels = Vec::new();
        let levels = match run.level {
            Level::Each(levels) => &levels[..len],
            Level::Same(level) => {
                levels.resize(len, level);
                &levels[..]
            }
        };
        let column = |k: usize| -> [f64; MOST] { std::array::from_fn(|arm| people.actions.get(arm).map_or(0.0, |a| a[k])) };
        let (cost, effect, burden) = (column(0), column(1), column(2));
        let (top, worst, memory) = (f64::from(people.levels - 1), (people.fatigues - 1) as f64, people.memory as f64);
        for i in 0..len {
            let arm = arms[i] as usize % MOST;
            let rise = people.rise([base[i], respond[i]], levels[i], effect[arm], fatigue[i], days[i]);
            // The best luck rises, the worst falls, and between them nothing moves.
            let moved = bernoulli::draw(moves[i], rise) + bernoulli::draw(moves[i], 1.0 - (people.pace - rise)) - 1.0;
            let engaged = (engagement[i] + moved).clamp(0.0, top);
            engagement[i] = engaged;
            let turned = bernoulli::draw(tired[i], People::turn(rate[i], recovery[i], arm, burden[arm]));
            fatigue[i] = (fatigue[i] + if arm == 0 { -turned } else { turned }).clamp(0.0, worst);
            days[i] = if arm == 0 { (days[i] + 1.0).min(memory) } else { 1.0 };
            reward[i] = worth[i] * (engaged / top) - cost[arm];
        }
    }
}
