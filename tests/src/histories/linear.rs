//! The linearizability check: is there a sequence of the calls, each between its start and its end,
//! in which every answer is right?
//!
//! Wing and Gong's search with Lowe's cache of visited states, as in porcupine. Calls with an
//! unknown outcome may take effect at any time after their start, or never. stateright's tester is
//! not used: it caches no visited states, does not let a thread continue after an unknown outcome,
//! and its model has to know each answer in advance, which excludes commit ids that nobody has
//! seen.

use std::collections::HashSet;

use super::model::{Op, State, Step};

/// How many states are visited before the search gives up.
const BUDGET: usize = 400_000;

/// The result of the search.
#[derive(Debug)]
pub(super) enum Found {
    /// An order exists.
    Order,
    /// None exists.
    None(Longest),
    /// The search was given up.
    Undecided,
}

/// The longest sequence in which every answer is right.
#[derive(Debug, Default)]
pub(super) struct Longest {
    /// The calls, by their positions.
    pub(super) order: Vec<usize>,
    /// The state that it leads to.
    pub(super) state: State,
}

/// A sequence that is being tried.
struct Frame {
    state: State,
    /// The calls that this frame has added.
    added: Vec<usize>,
    /// The candidates for the next call.
    next: Vec<usize>,
}

struct Search<'a> {
    ops: &'a [Op],
    /// Positions of calls with an answer, and of those with an open outcome, by begin.
    answered: Vec<usize>,
    open: Vec<usize>,
    /// A random number for each call, so that sets of calls are compared by one number.
    marks: Vec<u128>,
    done: Vec<bool>,
    done_mark: u128,
    /// How many calls with an answer are placed.
    placed: usize,
    seen: HashSet<u128>,
}

/// Searches for an order of calls, which are sorted by their begin.
pub(super) fn search(ops: &[Op]) -> Found {
    let mut random = fastrand::Rng::with_seed(1);
    let (answered, open) = (0..ops.len()).partition(|at| ops[*at].returned.is_some());
    let mut search = Search {
        ops,
        answered,
        open,
        marks: ops.iter().map(|_| random.u128(..)).collect(),
        done: vec![false; ops.len()],
        done_mark: 0,
        placed: 0,
        seen: HashSet::new(),
    };
    search.run()
}

impl Search<'_> {
    fn run(&mut self) -> Found {
        let mut frames = Vec::new();
        let mut longest = Longest::default();
        let mut best = 0;
        let mut entering = Some((State::default(), None));
        loop {
            if let Some((state, call)) = entering.take() {
                let frame = self.enter(state, call);
                if self.placed == self.answered.len() {
                    return Found::Order;
                }
                let is_new = self.seen.insert(self.done_mark ^ frame.state.fingerprint());
                let is_longest = self.placed > best || longest.order.is_empty();
                frames.push(frame);
                if is_longest {
                    best = self.placed;
                    let order = frames.iter().flat_map(|frame: &Frame| frame.added.clone());
                    longest.order = order.collect();
                    longest.state = frames[frames.len() - 1].state.clone();
                }
                if !is_new {
                    self.leave(&mut frames);
                } else if self.seen.len() > BUDGET {
                    return Found::Undecided;
                }
            }
            let Some(frame) = frames.last_mut() else { return Found::None(longest) };
            match frame.next.pop() {
                Some(call) => {
                    if let Step::Next(state) = frame.state.step(&self.ops[call]) {
                        entering = Some((state, Some(call)));
                    }
                }
                None => self.leave(&mut frames),
            }
        }
    }

    /// Places a call, and with it all calls that change nothing: placing those earlier excludes no
    /// other order.
    fn enter(&mut self, state: State, call: Option<usize>) -> Frame {
        let mut added = Vec::from_iter(call);
        if let Some(call) = call {
            self.place(call, true);
        }
        loop {
            let mut next = Vec::new();
            let mut placed_any = false;
            let mut bound = u64::MAX;
            for position in 0..self.answered.len() {
                let at = self.answered[position];
                if self.done[at] {
                    continue;
                }
                let op = &self.ops[at];
                if op.invoked > bound {
                    break;
                }
                match state.step(op) {
                    Step::Same => {
                        self.place(at, true);
                        added.push(at);
                        placed_any = true;
                        continue;
                    }
                    Step::Next(_) => next.push(at),
                    Step::Wrong => {}
                }
                bound = bound.min(op.returned.unwrap_or(u64::MAX));
            }
            if placed_any {
                continue;
            }
            // What starts after the first end comes after it. Of the others, those that end first
            // are tried first, and unknown ones last.
            next.retain(|at| self.ops[*at].invoked <= bound);
            next.sort_by_key(|at| std::cmp::Reverse(self.ops[*at].returned));
            let mut all: Vec<usize> = Vec::new();
            for at in &self.open {
                let op = &self.ops[*at];
                // Of calls with the same effect, one is tried for all.
                let is_same = |other: &usize| self.ops[*other].does_the_same(op);
                if !self.done[*at]
                    && op.invoked <= bound
                    && !all.iter().any(is_same)
                    && matches!(state.step(op), Step::Next(_))
                {
                    all.push(*at);
                }
            }
            all.append(&mut next);
            return Frame { state, added, next: all };
        }
    }

    fn leave(&mut self, frames: &mut Vec<Frame>) {
        if let Some(frame) = frames.pop() {
            for call in frame.added {
                self.place(call, false);
            }
        }
    }

    fn place(&mut self, call: usize, done: bool) {
        self.done[call] = done;
        self.done_mark ^= self.marks[call];
        if self.ops[call].returned.is_some() {
            self.placed = if done { self.placed + 1 } else { self.placed - 1 };
        }
    }
}
