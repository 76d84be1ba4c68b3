//! Proofs of the Book.

use super::*;
use proptest::prelude::*;

fn check(sets: &[(bool, i64, i64)]) {
    let (mut book, mut naive) = (Book::new(), [BTreeMap::new(), BTreeMap::new()]);
    for &(buy, px, qty) in sets {
        let side = if buy { Side::Buy } else { Side::Sell };
        let was = if qty == 0 { naive[side as usize].remove(&px) } else { naive[side as usize].insert(px, qty) };
        assert_eq!(book.set(side, Ticks(px), Lots(qty)).0, was.unwrap_or(0));
        assert_eq!(book.best(Side::Buy).map(|l| (l.px.0, l.qty.0)), naive[0].iter().next_back().map(|l| (*l.0, *l.1)));
        assert_eq!(book.best(Side::Sell).map(|l| (l.px.0, l.qty.0)), naive[1].iter().next().map(|l| (*l.0, *l.1)));
    }
    assert_eq!(book.len(), naive[0].len() + naive[1].len());
    let mut levels = [Level::default(); 7];
    let n = book.copy_best(Side::Buy, &mut levels);
    let got: Vec<_> = levels[..n].iter().map(|l| (l.px.0, l.qty.0)).collect();
    assert_eq!(got, naive[0].iter().rev().take(7).map(|l| (*l.0, *l.1)).collect::<Vec<_>>());
    let n = book.copy_best(Side::Sell, &mut levels);
    let got: Vec<_> = levels[..n].iter().map(|l| (l.px.0, l.qty.0)).collect();
    assert_eq!(got, naive[1].iter().take(7).map(|l| (*l.0, *l.1)).collect::<Vec<_>>());
    book.clear();
    assert!(book.is_empty() && book.best(Side::Buy).is_none());
}

fn price() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => 616_000i64..616_400,
        2 => 1i64..7_000_000,
        1 => 1i64..100_000_000_000,
    ]
}

proptest! {
    #[test]
    fn equals_a_sorted_map(sets in proptest::collection::vec(
        (any::<bool>(), price(), prop_oneof![Just(0i64), 1i64..1_000_000]), 1..400)) {
        check(&sets);
    }
}

#[test]
fn a_price_that_nobody_means_takes_no_memory_and_is_a_level_like_any_other() {
    let mut book = Book::new();
    for i in 0..1_000i64 {
        book.set(Side::Sell, Ticks(618_000 + i), Lots(1));
    }
    let before = book.memory_bytes();
    book.set(Side::Sell, Ticks(5_600_000), Lots(7));
    assert!(book.memory_bytes() < before + 1024, "{} bytes for one level", book.memory_bytes() - before);
    for i in 0..1_000i64 {
        book.set(Side::Sell, Ticks(618_000 + i), Lots(0));
    }
    assert_eq!(book.best(Side::Sell), Some(Level { px: Ticks(5_600_000), qty: Lots(7) }));
}

#[test]
fn memory_follows_the_levels_that_exist() {
    let mut book = Book::new();
    for i in 0..200_000i64 {
        book.set(Side::Sell, Ticks(1_000 + i), Lots(1));
        if i >= 100 {
            book.set(Side::Sell, Ticks(1_000 + i - 100), Lots(0));
        }
    }
    assert_eq!(book.len(), 100);
    assert!(book.memory_bytes() < 256 * 1024, "{} bytes for 100 levels", book.memory_bytes());
}
