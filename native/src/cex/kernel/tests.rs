use super::*;
use crate::event::{Level, Side, TimeInForce};
use crate::units::{Lots, Ticks};

/// Writes what lies in the state as the first bid, and keeps a counter in the second word.
unsafe extern "C" fn one_bid(state: *mut u8, views: *const View, n: i64, index: i64, outs: *mut Out) -> i32 {
    // SAFETY: the kernels below have a state of two words and as many views and outs as they say.
    unsafe {
        let (px, counter) = (state.cast::<f64>(), state.cast::<i64>().add(1));
        *counter += n;
        let out = &mut *outs.add(index as usize);
        out.has_ladder = 1;
        out.n_bids = 1;
        out.bid_px[0] = *px;
        out.bid_qty[0] = (*views.add(index as usize)).position as f64;
    }
    0
}

unsafe extern "C" fn raises(_: *mut u8, _: *const View, _: i64, _: i64, outs: *mut Out) -> i32 {
    // SAFETY: there is at least one out.
    unsafe { (*outs).has_ladder = 1 };
    1
}

fn kernel(px: f64, book: HookFn) -> Kernel {
    let state = [px.to_ne_bytes(), 0i64.to_ne_bytes()].concat();
    // SAFETY: the functions above keep to the state, views and outs they are given.
    unsafe { Kernel::new("test", Hooks { book: Some(book), ..Hooks::default() }, &state, 0, Box::new(())) }
}

#[test]
fn a_call_reaches_state_views_and_outs() {
    let mut k = kernel(100.75, one_bid);
    let views = [View::default(), View { position: 3, ..View::default() }];
    let mut outs = [Out { n_actions: 9, ..Out::default() }; 2];
    assert_eq!(k.call(Hook::Book, &views, 1, &mut outs), Ok(()));
    assert_eq!((outs[0].ladder(), outs[0].n_actions), (None, 0));
    assert_eq!(outs[1].ladder().map(|l| l.bids().to_vec()), Some(vec![Level { px: Ticks(100), qty: Lots(3) }]));
    assert_eq!(k.call(Hook::Timer, &views, 0, &mut outs), Ok(()), "no such hook: nothing wished");
    assert_eq!(outs[1].ladder(), None);
    assert_eq!(k.state()[8..], 2i64.to_ne_bytes());
}

#[test]
fn a_faulty_hook_wishes_nothing() {
    for px in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 0.5, 9_007_199_254_740_992.0] {
        let mut outs = [Out::default()];
        let got = kernel(px, one_bid).call(Hook::Book, &[View::default()], 0, &mut outs);
        assert!(matches!(got, Err(HookError::BadPrice { instrument: 0, .. })), "{px}: {got:?}");
        assert_eq!(outs[0].ladder(), None);
    }
    let mut outs = [Out::default()];
    let view = View { position: -1, ..View::default() };
    let got = kernel(1.0, one_bid).call(Hook::Book, &[view], 0, &mut outs);
    assert_eq!(got, Err(HookError::BadQty { instrument: 0, value: -1.0 }));
    assert_eq!(kernel(1.0, raises).call(Hook::Book, &[view], 0, &mut outs), Err(HookError::Raised));
    assert_eq!(outs[0].has_ladder, 0);
}

#[test]
fn an_out_is_checked_whole() {
    let ok = Out { has_ladder: 1, ..Out::default() };
    for n in [-1, LADDER as i64 + 1] {
        let too_many = HookError::TooMany { instrument: 2, count: n };
        assert_eq!(Out { n_bids: n, ..ok }.check(2), Err(too_many));
        assert_eq!(Out { n_asks: n, ..ok }.check(2), Err(too_many));
    }
    let count = ACTIONS as i64 + 1;
    assert_eq!(Out { n_actions: count, ..ok }.check(0), Err(HookError::TooMany { instrument: 0, count }));

    let mut place = Out { n_actions: 1, ..Out::default() };
    place.action_kind[0] = PLACE;
    place.action_side[0] = SELL;
    place.action_px[0] = 0.25;
    place.action_qty[0] = 2.9;
    place.action_tif[0] = TimeInForce::Ioc as i64;
    assert_eq!(place.check(0), Ok(()));
    let placed =
        OutAction::Place { side: Side::Sell, px: Ticks(1), qty: Lots(2), tif: TimeInForce::Ioc, reduce_only: false };
    assert_eq!(place.actions().collect::<Vec<_>>(), [placed]);
    let bad = Err(HookError::BadAction { instrument: 0, index: 0 });
    let broken: [fn(&mut Out); 4] = [
        |o| o.action_kind[0] = 3,
        |o| o.action_side[0] = 0,
        |o| o.action_tif[0] = 256,
        |o| o.action_kind[0] = CANCEL, // of no order
    ];
    for break_it in broken {
        let mut out = place;
        break_it(&mut out);
        assert_eq!(out.check(0), bad);
    }
    place.action_qty[0] = 0.99;
    assert_eq!(place.actions().count(), 0, "less than one lot is no order");
}

#[test]
fn rounding_is_never_more_aggressive() {
    let mut out = Out { has_ladder: 1, n_bids: 4, n_asks: 3, ..Out::default() };
    out.bid_px[..4].copy_from_slice(&[100.9, 100.1, 99.0, 98.5]);
    out.bid_qty[..4].copy_from_slice(&[1.9, 2.0, 0.5, 1.0]);
    out.ask_px[..3].copy_from_slice(&[101.0, 101.1, 102.0]);
    out.ask_qty[..3].copy_from_slice(&[1.0, 1.0, 4.5]);
    assert_eq!(out.check(0), Ok(()));
    let l = out.ladder().expect("a ladder");
    let level = |px, qty| Level { px: Ticks(px), qty: Lots(qty) };
    assert_eq!(l.bids(), [level(100, 3), level(98, 1)], "equal prices become one level, half a lot none");
    assert_eq!(l.asks(), [level(101, 1), level(102, 5)]);
}

#[test]
fn the_layout_has_no_holes() {
    for (size, fields) in [(size_of::<View>(), View::FIELDS), (size_of::<Out>(), Out::FIELDS)] {
        let mut end = 0;
        for f in fields {
            assert_eq!(f.offset, end, "{} follows the field before it", f.name);
            end += 8 * f.count.max(1);
            if f.dtype == "features" {
                end = f.offset + size_of::<crate::cex::features::FeatureValues>();
            }
        }
        assert_eq!(end, size);
    }
    assert!(layout_json().contains(r#""dtype":"features""#));
}
