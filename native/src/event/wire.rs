//! Messages as bytes.

use super::{Action, Intent, Receipt, ReceiptKind, Refusal, Side, TimeInForce};
use crate::units::{Lots, Ticks};

/// Little-endian, fixed width: the encoding on the Tape, in the hash and on the simulated wire.
pub trait Wire: Sized {
    const SIZE: usize;
    fn put(&self, out: &mut Vec<u8>);
    /// `None` for a wrong length or a value outside its enumeration.
    fn get(bytes: &[u8]) -> Option<Self>;
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }
    fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|b| b[0])
    }
    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }
    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
    fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_le_bytes)
    }
    fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Wire for Intent {
    const SIZE: usize = 40;
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.to_le_bytes());
        out.extend_from_slice(&self.kernel.to_le_bytes());
        out.extend_from_slice(&self.instrument.to_le_bytes());
        out.extend_from_slice(&[self.action as u8, self.side as u8, self.tif as u8, u8::from(self.reduce_only)]);
        out.extend_from_slice(&self.px.0.to_le_bytes());
        out.extend_from_slice(&self.qty.0.to_le_bytes());
        out.extend_from_slice(&self.decided_ns.to_le_bytes());
    }
    fn get(bytes: &[u8]) -> Option<Intent> {
        if bytes.len() != Self::SIZE {
            return None;
        }
        let mut c = Cursor(bytes);
        Some(Intent {
            id: c.u64()?,
            kernel: c.u16()?,
            instrument: c.u16()?,
            action: match c.u8()? {
                1 => Action::Place,
                2 => Action::Cancel,
                3 => Action::Replace,
                _ => return None,
            },
            side: Side::from_u8(c.u8()?)?,
            tif: TimeInForce::from_u8(c.u8()?)?,
            reduce_only: c.flag()?,
            px: Ticks(c.i64()?),
            qty: Lots(c.i64()?),
            decided_ns: c.i64()?,
        })
    }
}

impl Wire for Refusal {
    const SIZE: usize = Intent::SIZE + 17;
    fn put(&self, out: &mut Vec<u8>) {
        self.intent.put(out);
        out.push(self.limit);
        out.extend_from_slice(&self.observed.to_le_bytes());
        out.extend_from_slice(&self.allowed.to_le_bytes());
    }
    fn get(bytes: &[u8]) -> Option<Refusal> {
        if bytes.len() != Self::SIZE {
            return None;
        }
        let (head, rest) = bytes.split_at(Intent::SIZE);
        let mut c = Cursor(rest);
        Some(Refusal { intent: Intent::get(head)?, limit: c.u8()?, observed: c.i64()?, allowed: c.i64()? })
    }
}

impl Wire for Receipt {
    const SIZE: usize = 69;
    fn put(&self, out: &mut Vec<u8>) {
        out.push(self.kind as u8);
        out.extend_from_slice(&self.id.to_le_bytes());
        out.extend_from_slice(&self.instrument.to_le_bytes());
        out.extend_from_slice(&[self.side as u8, u8::from(self.maker)]);
        for v in [self.exch_ns, self.px.0, self.qty.0, self.leaves.0, self.trade_id as i64] {
            out.extend_from_slice(&v.to_le_bytes());
        }
        out.extend_from_slice(&self.queue_joined.to_le_bytes());
        out.extend_from_slice(&self.queue_ahead.to_le_bytes());
    }
    fn get(bytes: &[u8]) -> Option<Receipt> {
        if bytes.len() != Self::SIZE {
            return None;
        }
        let mut c = Cursor(bytes);
        Some(Receipt {
            kind: ReceiptKind::from_u8(c.u8()?)?,
            id: c.u64()?,
            instrument: c.u16()?,
            side: Side::from_u8(c.u8()?)?,
            maker: c.flag()?,
            exch_ns: c.i64()?,
            px: Ticks(c.i64()?),
            qty: Lots(c.i64()?),
            leaves: Lots(c.i64()?),
            trade_id: c.u64()?,
            queue_joined: c.i64()?,
            queue_ahead: c.i64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_round_trip_and_refuse_what_they_are_not() {
        let intent = Intent {
            id: 7,
            kernel: 1,
            instrument: 2,
            action: Action::Replace,
            side: Side::Sell,
            tif: TimeInForce::Gtx,
            reduce_only: true,
            px: Ticks(-3),
            qty: Lots(9),
            decided_ns: 11,
        };
        let refusal = Refusal { intent, limit: 3, observed: -1, allowed: 5 };
        let receipt = Receipt {
            kind: ReceiptKind::Filled,
            id: 7,
            instrument: 2,
            side: Side::Buy,
            maker: true,
            exch_ns: 1,
            px: Ticks(2),
            qty: Lots(3),
            leaves: Lots(4),
            trade_id: u64::MAX,
            queue_joined: -1,
            queue_ahead: 6,
        };
        let mut buf = Vec::new();
        intent.put(&mut buf);
        assert_eq!((buf.len(), Intent::get(&buf)), (Intent::SIZE, Some(intent)));
        buf[12] = 9; // no such action
        assert_eq!(Intent::get(&buf), None);
        buf.clear();
        refusal.put(&mut buf);
        assert_eq!((buf.len(), Refusal::get(&buf)), (Refusal::SIZE, Some(refusal)));
        buf.clear();
        receipt.put(&mut buf);
        assert_eq!((buf.len(), Receipt::get(&buf)), (Receipt::SIZE, Some(receipt)));
        assert_eq!(Receipt::get(&buf[1..]), None);
    }
}
