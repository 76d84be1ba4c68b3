//! No input makes the gate panic or wrap.

use proptest::prelude::*;

use super::*;

fn wild() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -2i64..20, 9_980i64..10_020, Just(MAX_PX), Just(MAX_QTY), Just(i64::MAX), Just(i64::MIN)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]
    /// Arithmetic overflow panics in this build: whatever comes, there is a verdict, the state never climbs, and the
    /// parts of the PnL add up to cash and mark.
    #[test]
    fn nothing_wraps(steps in prop::collection::vec(
        (0u8..7, 0u64..6, 0u16..3, wild(), wild(), wild(), any::<bool>(), 1u8..9), 1..60))
    {
        let mut g = gate();
        let mut worst = g.state();
        for (what, id, instrument, a, b, c, flag, kind) in steps {
            let side = if flag { Side::Buy } else { Side::Sell };
            let action = [Action::Place, Action::Cancel, Action::Replace][usize::from(kind) % 3];
            let i = Intent { instrument, reduce_only: c % 2 == 0, ..intent(action, id, side, a, b) };
            let level = |px| Level { px: Ticks(px), qty: Lots(1) };
            match what {
                0 => drop(send_at(&mut g, &i, &Market { top: Some(Top { bid: level(a), ask: level(c) }), book_ns: b }, c)),
                1 | 2 => drop(send_at(&mut g, &i, &market(), 0)),
                3 => {
                    let r = receipt(ReceiptKind::from_u8(kind).unwrap(), id, side, a, b, c);
                    g.on_receipt(&Receipt { instrument, maker: flag, ..r }, c);
                }
                4 => drop(g.on_tick(instrument, a, b)),
                5 => g.on_feed_latency(instrument, a, b),
                _ => g.on_mark(instrument, a, b),
            }
            prop_assert!(g.state() >= worst);
            worst = g.state();
            for at in 0..2 {
                let e = g.exposure(at);
                let marked = e.cash().0 + i128::from(e.mark()) * i128::from(e.position().0) * 100_000_000;
                prop_assert_eq!(e.pnl().total().0, marked);
            }
        }
    }
}
