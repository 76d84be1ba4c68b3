//! What is proven of an amount, and the walks that prove it on exact integers.
use alloy_primitives::U256;

use super::path::Path;
use super::wide::Wide;

/// What is proven of a sized amount. Rounding makes steps in the profit, so it has many local maxima: neighbours alone
/// prove little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// No amount whatever has a gross profit above this. None where a hop's protocol has no such bound.
    pub at_most: Option<U256>,
    /// No amount from the first to the second has a higher gross profit than the one found; one less and one more than
    /// that are always among them.
    pub no_better: (U256, U256),
    /// Every amount below this has a lower gross profit.
    pub all_worse_below: U256,
}

impl Proof {
    /// Nothing is proven.
    pub const NONE: Proof = Proof { at_most: None, no_better: (U256::ZERO, U256::ZERO), all_worse_below: U256::ZERO };

    /// Whether no amount whatever earns more than the `gross` that was found.
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
    pub fn at<P: Path>(path: &P, amount_in: U256) -> Option<Corner> {
        let amount_out = path.forward(amount_in)?;
        let least = path.back(amount_out).filter(|&least| least < amount_in);
        Some(Corner { amount_in: least.unwrap_or(amount_in), amount_out })
    }

    /// Zero where it loses.
    pub fn gross(self) -> U256 {
        self.amount_out.saturating_sub(self.amount_in)
    }
}

/// Of the amounts up to one that gives no quote, the greatest that does (by halves: what is too much stays too much).
pub(super) fn greatest_allowed<P: Path>(path: &P, refused: U256) -> Option<U256> {
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

/// How a walk ended.
#[derive(Debug)]
pub(super) enum Walked {
    /// The nearest amount in its direction that earns as much.
    Found(Corner),
    /// No amount in its direction does.
    Nothing,
    /// None up to here, this one not included.
    Until(U256),
}

/// The least amount from `from` on that earns at least `profit`, in at most `steps` steps, as far as `past` does not say
/// that none can come any more.
///
/// Where x is not above any such amount X, neither is the least amount that gives `x + profit`: X gives at least
/// `X + profit`, and what comes out never falls. So the walk from x to that amount rises to the least X and passes none.
pub(super) fn walk_up<P: Path>(
    path: &P,
    from: U256,
    profit: U256,
    steps: &mut u64,
    past: impl Fn(U256) -> bool,
) -> Walked {
    let mut amount_in = from;
    loop {
        if past(amount_in) {
            return Walked::Nothing;
        }
        if *steps == 0 {
            return Walked::Until(amount_in);
        }
        *steps -= 1;
        let Some(least) = path.back(amount_in + profit) else { return Walked::Nothing };
        if least <= amount_in {
            let Some(amount_out) = path.forward(amount_in) else { return Walked::Nothing };
            return Walked::Found(Corner { amount_in, amount_out });
        }
        amount_in = least;
    }
}

/// As [`walk_up`], downwards from `from`: no amount up to x earns `profit` above what x gives less that profit.
pub(super) fn walk_down<P: Path>(path: &P, from: U256, profit: U256, steps: &mut u64) -> Walked {
    let mut amount_in = from;
    loop {
        if amount_in.is_zero() {
            return Walked::Nothing;
        }
        if *steps == 0 {
            return Walked::Until(amount_in);
        }
        *steps -= 1;
        let Some(amount_out) = path.forward(amount_in) else { return Walked::Nothing };
        let Some(greatest) = amount_out.checked_sub(profit) else { return Walked::Nothing };
        if greatest >= amount_in {
            return Walked::Found(Corner { amount_in: path.back(amount_out).unwrap_or(amount_in), amount_out });
        }
        amount_in = greatest;
    }
}

/// Steps of one walk before the other direction has its turn.
const FEW: u64 = 6;

/// The best corner near `guess`, and what is proven of it with few steps.
pub(super) fn near<P: Path>(path: &P, wide: &Wide, guess: U256) -> Option<(Corner, Proof)> {
    let least = || path.back(U256::ONE).filter(|&least| least > guess); // less than this gives nothing at all
    let allowed = || least().or_else(|| greatest_allowed(path, guess));
    let mut best = Corner::at(path, guess).or_else(|| Corner::at(path, allowed()?))?;
    loop {
        let (gross, wanted) = (best.gross(), best.gross() + U256::ONE);
        if !wide.earns(wanted) {
            let proof = Proof { at_most: Some(gross), no_better: (U256::ZERO, U256::MAX), all_worse_below: U256::ZERO };
            return Some((best, proof));
        }
        // The profit in reals is concave and at least `gross` here. Where it is less, it only falls further on.
        let past = |walked| match walked {
            Walked::Until(end) if !gross.is_zero() && !wide.earns_at(end, gross) => Walked::Nothing,
            walked => walked,
        };
        let up = past(walk_up(path, best.amount_in + U256::ONE, wanted, &mut FEW.clone(), |_| false));
        if let Walked::Found(better) = up {
            best = better;
            continue;
        }
        let down = past(walk_down(path, best.amount_in - U256::ONE, wanted, &mut FEW.clone()));
        if let Walked::Found(better) = down {
            best = better;
            continue;
        }
        let to = if let Walked::Until(end) = up { end } else { U256::MAX };
        let from = if let Walked::Until(end) = down { end } else { U256::ZERO };
        let all = from.is_zero() && to == U256::MAX;
        let at_most = if all { gross } else { loosely(wide, gross) };
        return Some((best, Proof { at_most: Some(at_most), no_better: (from, to), all_worse_below: U256::ZERO }));
    }
}

/// As [`FEW`], where a step costs quotes of any protocol.
const FEWER: u64 = 2;

/// The best corner near `guess` by walks alone, of at most [`FEWER`] or `steps` steps to each side, for hops that have no
/// bound over all amounts. Nothing above `end` is looked at.
pub(super) fn nearby<P: Path>(path: &P, guess: U256, end: U256, steps: u64) -> Option<(Corner, Proof)> {
    let mut best = Corner::at(path, guess)?;
    loop {
        let (wanted, most) = (best.gross() + U256::ONE, FEWER.max(steps));
        let up = walk_up(path, best.amount_in + U256::ONE, wanted, &mut most.clone(), |amount_in| amount_in > end);
        if let Walked::Found(better) = up {
            best = better;
            continue;
        }
        let down = walk_down(path, best.amount_in - U256::ONE, wanted, &mut most.clone());
        if let Walked::Found(better) = down {
            best = better;
            continue;
        }
        // Where a pool's iterations break the rule that more in never gives less out, the neighbours still count.
        let neighbours = [best.amount_in - U256::ONE, best.amount_in + U256::ONE];
        let better = |&x: &U256| x <= end && path.forward(x).is_some_and(|out| out >= x + wanted);
        if let Some(amount_in) = neighbours.into_iter().find(better) {
            best = Corner { amount_in, amount_out: path.forward(amount_in)? };
            continue;
        }
        let to = if let Walked::Until(reached) = up { reached } else { end };
        let from = if let Walked::Until(reached) = down { reached } else { U256::ZERO };
        return Some((best, Proof { at_most: None, no_better: (from, to), all_worse_below: U256::ZERO }));
    }
}

/// A bound of the profit that is at most about twice as far from `gross` as the least there is; cheaper than that one.
fn loosely(wide: &Wide, gross: U256) -> U256 {
    let mut more = U256::from(2);
    while wide.earns(gross + more) {
        more <<= 1;
    }
    gross + more - U256::ONE
}

/// The greatest gross profit over all amounts and, of those that have it, the least amount, as far as `steps` go.
pub(super) fn exactly<P: Path>(path: &P, wide: &Wide, found: (Corner, Proof), steps: &mut u64) -> (Corner, Proof) {
    let (mut best, mut proof) = found;
    let Some(most) = wide.most() else { return found };
    let mut at_most = proof.at_most.map_or(most, |at_most| at_most.min(most));
    while at_most > best.gross() {
        let walked = match wide.window(at_most) {
            None => Walked::Nothing,
            Some((from, to)) => walk_up(path, from, at_most, steps, |amount_in| amount_in > to),
        };
        match walked {
            Walked::Found(corner) => (best, proof.all_worse_below) = (corner, corner.amount_in),
            Walked::Nothing => at_most -= U256::ONE,
            Walked::Until(_) => break,
        }
    }
    proof.at_most = Some(at_most);
    if at_most > best.gross() {
        return (best, proof);
    }
    proof.no_better = (U256::ZERO, U256::MAX);
    if proof.all_worse_below.is_zero()
        && let Some((from, _)) = wide.window(best.gross())
    {
        proof.all_worse_below = from;
        match walk_up(path, from, best.gross(), steps, |amount_in| amount_in >= best.amount_in) {
            Walked::Found(corner) => (best, proof.all_worse_below) = (corner, corner.amount_in),
            Walked::Nothing => proof.all_worse_below = best.amount_in,
            Walked::Until(reached) => proof.all_worse_below = reached,
        }
    }
    (best, proof)
}
