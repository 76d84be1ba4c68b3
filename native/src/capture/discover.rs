//! Finds out what a capture holds when nobody says: the venue, the symbols, and the grain of prices and quantities.

use rustc_hash::FxHashMap;

use super::{Capture, CaptureError};
use crate::cex::venues::binance::Market;
use crate::cex::venues::scan::{Cursor, Reason};
use crate::event::Source;
use crate::units::{Decimal, InstrumentSpec};

/// What a capture holds.
#[derive(Debug)]
pub struct Discovered {
    pub market: Market,
    /// In order of appearance, with the coarsest grids that all their numbers lie on; fees are zero.
    pub instruments: Vec<InstrumentSpec>,
}

/// Numbers are brought to this many decimals to be compared.
const DECIMALS: u8 = 12;

#[derive(Default)]
struct Grain {
    tick: i128,
    lot: i128,
}

fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn refine(grain: &mut i128, number: Decimal) {
    let n = number.floor_scaled(DECIMALS);
    if *grain == 0 || n % *grain != 0 {
        *grain = gcd(n, *grain);
    }
}

/// Reads the whole capture once and rewinds it. An error says that nothing known is in it.
pub fn discover(capture: &mut Capture) -> Result<Result<Discovered, String>, CaptureError> {
    let mut order: Vec<Vec<u8>> = Vec::new();
    let mut grains: FxHashMap<Vec<u8>, Grain> = FxHashMap::default();
    let (mut usdm, mut depth) = (false, false);
    let mut snapshots = Grain::default();
    while let Some(frame) = capture.next_frame()? {
        let mut c = Cursor::new(frame.bytes);
        if frame.source == Source::Snapshot {
            let _ = numbers(&mut c, &mut snapshots);
            continue;
        }
        let Some((stream, kind)) = stream_of(&mut c) else { continue };
        if !matches!(kind, b'd' | b'b' | b't') {
            continue;
        }
        if !grains.contains_key(stream) {
            order.push(stream.to_vec());
            grains.insert(stream.to_vec(), Grain::default());
        }
        let Some(grain) = grains.get_mut(stream) else { continue };
        // A message that cannot be read here is counted when it is decoded.
        if let Ok(chained) = numbers(&mut c, grain) {
            usdm |= chained && kind == b'd';
            depth |= kind == b'd';
        }
    }
    capture.rewind()?;
    if !depth {
        return Ok(Err("no depth updates of a known venue in it; expected Binance combined streams \
                       ({\"stream\":\"btcusdt@depth…\",\"data\":{…}})"
            .into()));
    }
    if let [only] = order.as_slice()
        && let Some(grain) = grains.get_mut(only)
    {
        grain.tick = gcd(grain.tick, snapshots.tick);
        grain.lot = gcd(grain.lot, snapshots.lot);
    }
    let step = |grain: i128| Decimal::new(if grain == 0 { 1 } else { grain }, DECIMALS).normalized();
    let instruments = order
        .iter()
        .map(|symbol| InstrumentSpec {
            symbol: String::from_utf8_lossy(symbol).to_uppercase(),
            tick: step(grains[symbol].tick),
            lot: step(grains[symbol].lot),
            maker_fee_e8: 0,
            taker_fee_e8: 0,
        })
        .collect();
    let market = if usdm { Market::UsdM } else { Market::Spot };
    Ok(Ok(Discovered { market, instruments }))
}

/// Symbol and first letter of the kind of a combined-stream message; the cursor is left at its data. What may stand
/// before the data (`"generated":true` of a recorder's snapshot) is stepped over.
fn stream_of<'a>(c: &mut Cursor<'a>) -> Option<(&'a [u8], u8)> {
    if !c.eat_literal(b"{\"stream\":") {
        return None;
    }
    let stream = c.string().ok()?;
    let at = stream.iter().position(|b| *b == b'@')?;
    let kind = *stream.get(at + 1)?;
    while c.key().ok()?? != b"data" {
        c.skip().ok()?;
    }
    Some((&stream[..at], kind))
}

/// Feeds every price and quantity of an object to `grain`; whether it has a `pu`, as only USD-M depth does.
fn numbers(c: &mut Cursor<'_>, grain: &mut Grain) -> Result<bool, Reason> {
    c.expect(b'{', "an object was expected")?;
    let mut chained = false;
    while let Some(key) = c.key()? {
        match key {
            b"b" | b"a" | b"bids" | b"asks" if c.peek() == b'[' => {
                c.eat(b'[');
                while c.eat(b'[') {
                    refine(&mut grain.tick, c.decimal()?);
                    c.expect(b',', "a level has no quantity")?;
                    refine(&mut grain.lot, c.decimal()?);
                    c.expect(b']', "a level does not end")?;
                    c.eat(b',');
                }
                c.expect(b']', "a list of levels does not end")?;
            }
            b"b" | b"a" | b"p" => refine(&mut grain.tick, c.decimal()?),
            b"B" | b"A" | b"q" => refine(&mut grain.lot, c.decimal()?),
            b"pu" => {
                chained = true;
                c.skip()?;
            }
            _ => c.skip()?,
        }
    }
    Ok(chained)
}
