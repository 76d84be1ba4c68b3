//! Cycles through constant-product and concentrated liquidity: piece by piece a Möbius function, walked in floats to where
//! one more unit in gives no more than one unit out. A first guess; the answer is then looked for on exact integers.
use alloy_primitives::U256;

use super::super::cycle::MAX_HOPS;
use super::super::pools::v3::Segments;
use super::super::pools::{AnyPool, Side};
use super::guess::whole;
use super::hops::Hops;

/// From an amount `a` on, a hop gives `out + p (x - a) / (1 + q (x - a))` for x, as far as `a + span`.
#[derive(Clone, Copy, Debug)]
struct Piece {
    a: f64,
    out: f64,
    span: f64,
    p: f64,
    q: f64,
}

/// What lies ahead of a hop.
enum Ahead<'a> {
    Nothing,
    Ticks(Segments<'a>),
}

/// 2^96.
pub(super) const Q96: f64 = 79_228_162_514_264_337_593_543_950_336.0;

pub(super) fn float(n: U256) -> f64 {
    n.as_limbs().iter().rev().fold(0.0, |sum, &limb| sum * 18_446_744_073_709_551_616.0 + limb as f64)
}

/// The first piece of a hop and what follows. None for a pool that is not made of such pieces, or has none.
fn first(pool: &AnyPool, side: Side) -> Option<(Piece, Ahead<'_>)> {
    let (from, to) = (usize::from(side.from), usize::from(side.to));
    if from == to || from > 1 || to > 1 {
        return None;
    }
    match pool {
        AnyPool::V2(pair) => {
            let left = f64::from(pair.fee_num[from]) / f64::from(pair.fee_den);
            let (x, y) = (pair.reserves[from] as f64, pair.reserves[to] as f64);
            let piece = Piece { a: 0.0, out: 0.0, span: f64::INFINITY, p: y * left / x, q: left / x };
            Some((piece, Ahead::Nothing))
        }
        AnyPool::V3(pool) => ticks(pool.state().segments(from == 0, pool.fee_pips()), side),
        AnyPool::V4(pool) if pool.hook().is_safe() => {
            ticks(pool.state().segments(from == 0, pool.swap_fee()[from]), side)
        }
        _ => None,
    }
}

fn ticks(segments: Segments<'_>, side: Side) -> Option<(Piece, Ahead<'_>)> {
    let mut ahead = Ahead::Ticks(segments);
    let nothing = Piece { a: 0.0, out: 0.0, span: 0.0, p: 0.0, q: 0.0 };
    Some((ahead.next(&nothing, side)?, ahead))
}

impl Ahead<'_> {
    /// The piece behind this one.
    fn next(&mut self, before: &Piece, side: Side) -> Option<Piece> {
        let Ahead::Ticks(segments) = self else { return None };
        let segment = segments.next()?;
        let left = 1.0 - f64::from(segment.fee_pips) / 1e6;
        let (liquidity, root) = (segment.liquidity as f64, float(segment.sqrt_from) / Q96);
        let (x, y) =
            if side.from == 0 { (liquidity / root, liquidity * root) } else { (liquidity * root, liquidity / root) };
        let (a, out) = (before.a + before.span, before.value(before.a + before.span));
        Some(Piece { a, out, span: float(segment.amount_in), p: y * left / x, q: left / x })
    }
}

impl Piece {
    fn value(&self, x: f64) -> f64 {
        if self.span == 0.0 { self.out } else { self.out + self.p * (x - self.a) / (1.0 + self.q * (x - self.a)) }
    }
}

/// `(a x + b) / (c x + d)`.
#[derive(Clone, Copy, Debug)]
struct Moebius {
    a: f64,
    b: f64,
    c: f64,
    d: f64,
}

impl Moebius {
    const SAME: Moebius = Moebius { a: 1.0, b: 0.0, c: 0.0, d: 1.0 };

    fn then(&self, piece: &Piece) -> Moebius {
        let d = 1.0 - piece.q * piece.a;
        let (a, b, c) = (piece.out * piece.q + piece.p, piece.out * d - piece.p * piece.a, piece.q);
        Moebius {
            a: a * self.a + b * self.c,
            b: a * self.b + b * self.d,
            c: c * self.a + d * self.c,
            d: c * self.b + d * self.d,
        }
    }

    fn inverse(&self, y: f64) -> f64 {
        (self.d * y - self.b) / (self.a - self.c * y)
    }
}

/// More pieces than this are not walked.
const MOST_PIECES: usize = 4096;

/// The amount that earns most before gas, nearly, and the amounts at which a tick is crossed on the way there, in rising
/// order. None where a hop is of another kind or has no liquidity.
pub(super) fn best_in(hops: &Hops<'_>) -> Option<(U256, Vec<U256>)> {
    let mut pieces: [Option<(Piece, Ahead<'_>, Side)>; MAX_HOPS] = [const { None }; MAX_HOPS];
    let mut price = 1.0;
    for (to, (pool, side)) in pieces.iter_mut().zip(hops.all()) {
        let (piece, ahead) = first(pool, side)?;
        price *= piece.p;
        *to = Some((piece, ahead, side));
    }
    let (mut low, mut crossed) = (0.0f64, Vec::new());
    if price < super::NOTHING {
        return Some((U256::ZERO, crossed));
    }
    for _ in 0..MOST_PIECES {
        // How far these pieces go, by which of them ends first.
        let (mut path, mut slope) = (Moebius::SAME, 1.0);
        let mut end = (f64::INFINITY, 0);
        for (n, (piece, _, _)) in pieces.iter().flatten().enumerate() {
            let at = if piece.span.is_finite() { path.inverse(piece.a + piece.span) } else { f64::INFINITY };
            // Behind its pole the path never comes to that amount.
            if at >= low && at < end.0 {
                end = (at, n);
            }
            path = path.then(piece);
            slope *= piece.p;
        }
        // The slope of the whole is `slope / (c x + d)^2`.
        let best = (slope.sqrt() - path.d) / path.c;
        if best <= low {
            return Some((whole(low), crossed));
        }
        if best <= end.0 {
            return Some((whole(best), crossed));
        }
        low = end.0;
        let Some((piece, ahead, side)) = pieces.get_mut(end.1).and_then(Option::as_mut) else { break };
        match ahead.next(piece, *side) {
            Some(next) => *piece = next,
            None => return Some((whole(low), crossed)),
        }
        crossed.push(whole(low));
    }
    Some((whole(low), crossed))
}
