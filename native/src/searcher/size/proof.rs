//! What is proven of an amount, and the search that proves it on exact integers.
use alloy_primitives::U256;

use super::path::Path;
use super::wide::Bounds;

/// What is proven of a sized amount. The profit on integers has steps from rounding, so it has many local maxima; a bound
/// over all amounts says what neighbours cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// No amount whatever has a gross profit above this. None where a hop's protocol has no such bound.
    pub at_most: Option<U256>,
    /// Every amount below this has a lower gross profit than the one found.
    pub none_below: U256,
}

impl Proof {
    /// Whether no other amount earns more than the `gross` that was found.
    #[must_use]
    pub fn is_greatest(&self, gross: U256) -> bool {
        self.at_most == Some(gross)
    }
}

/// An amount and what it gives, at a corner: one unit less in gives less out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Corner {
    pub amount_in: U256,
    pub amount_out: U256,
}

impl Corner {
    /// The least amount that gives what `amount_in` gives.
    fn at<P: Path>(path: &P, amount_in: U256) -> Option<Corner> {
        let amount_out = path.forward(amount_in)?;
        Some(Corner { amount_in: path.back(amount_out)?, amount_out })
    }

    fn next<P: Path>(self, path: &P) -> Option<Corner> {
        let amount_in = path.back(self.amount_out + U256::ONE)?;
        Some(Corner { amount_in, amount_out: path.forward(amount_in)? })
    }

    fn previous<P: Path>(self, path: &P) -> Option<Corner> {
        Corner::at(path, self.amount_in.checked_sub(U256::ONE)?)
    }

    fn better_than(self, other: Corner) -> bool {
        self.amount_out + other.amount_in > other.amount_out + self.amount_in
    }

    /// Zero where it loses.
    pub fn gross(self) -> U256 {
        self.amount_out.saturating_sub(self.amount_in)
    }
}

/// More steps than this from a first guess are not taken: it is then not near the optimum.
const MOST_STEPS: usize = 64;

/// The corner near `guess` that is better than those on both its sides. All amounts from a corner to the next give the
/// same, so no amount between its neighbours is better either, those one more and one less among them.
pub(super) fn polish<P: Path>(path: &P, guess: U256) -> Option<Corner> {
    let mut best =
        Corner::at(path, guess.max(U256::ONE)).or_else(|| Corner::at(path, greatest_allowed(path, guess)?))?;
    for _ in 0..MOST_STEPS {
        match best.next(path) {
            Some(next) if next.better_than(best) => best = next,
            _ => break,
        }
    }
    for _ in 0..MOST_STEPS {
        match best.previous(path) {
            Some(previous) if previous.better_than(best) => best = previous,
            _ => break,
        }
    }
    Some(best)
}

/// Of the amounts below one that gives no quote, the greatest that does (by halves: what is too much stays too much).
fn greatest_allowed<P: Path>(path: &P, refused: U256) -> Option<U256> {
    let mut low = refused;
    while path.forward(low).is_none() {
        low >>= 1;
        if low.is_zero() {
            return None;
        }
    }
    let mut high = low << 1;
    while high - low > U256::ONE {
        let middle = low + ((high - low) >> 1);
        if path.forward(middle).is_some() { low = middle } else { high = middle }
    }
    Some(low)
}

/// How a search over a range ended.
pub(super) enum Sought {
    /// The least amount of the range that earns as much.
    Found(Corner),
    /// No amount of the range does.
    Nothing,
    /// So far up to here no amount does.
    Until(U256),
}

/// The least amount from `from` to `to` that earns at least `profit`, in at most `steps` steps.
///
/// Where x is not above any such amount X, neither is the least amount that gives `x + profit`: X gives `X + profit`, and
/// what comes out never falls. So the walk x → that amount rises to the least X and passes none.
pub(super) fn seek<P: Path>(path: &P, from: U256, to: U256, profit: U256, steps: &mut u64) -> Sought {
    let mut amount_in = from;
    loop {
        if amount_in > to {
            return Sought::Nothing;
        }
        if *steps == 0 {
            return Sought::Until(amount_in);
        }
        *steps -= 1;
        let wanted = amount_in + profit;
        let Some(least) = path.back(wanted) else { return Sought::Nothing };
        if least <= amount_in {
            let Some(amount_out) = path.forward(amount_in) else { return Sought::Nothing };
            return Sought::Found(Corner { amount_in, amount_out });
        }
        amount_in = least;
    }
}

/// The greatest gross profit over all amounts and, of those that have it, the least amount, as far as `steps` go.
/// `best` is a first corner, or none that earns.
pub(super) fn prove<P: Path>(
    path: &P,
    bounds: &dyn Bounds,
    mut best: Option<Corner>,
    steps: &mut u64,
) -> Option<(Corner, Proof)> {
    best = best.filter(|corner| !corner.gross().is_zero());
    let found = |best: Option<Corner>| best.map_or(U256::ZERO, Corner::gross);
    let mut at_most = found(best);
    if bounds.window(at_most + U256::ONE).is_some() {
        at_most = bounds.most()?;
    }
    while at_most > found(best) {
        let Some((from, to)) = bounds.window(at_most) else {
            at_most -= U256::ONE;
            continue;
        };
        match seek(path, from, to, at_most, steps) {
            Sought::Found(corner) => {
                return Some((corner, Proof { at_most: Some(at_most), none_below: corner.amount_in }));
            }
            Sought::Nothing => at_most -= U256::ONE,
            Sought::Until(_) => {
                let gross = found(best);
                let none_below = bounds.window(gross.max(U256::ONE)).map_or(U256::ZERO, |(from, _)| from);
                return best.map(|corner| (corner, Proof { at_most: Some(at_most), none_below }));
            }
        }
    }
    let best = best?;
    let (from, _) = bounds.window(best.gross())?;
    let (best, none_below) = match seek(path, from, best.amount_in, best.gross(), steps) {
        Sought::Found(corner) => (corner, corner.amount_in),
        Sought::Nothing => (best, best.amount_in),
        Sought::Until(reached) => (best, reached),
    };
    Some((best, Proof { at_most: Some(at_most), none_below }))
}
