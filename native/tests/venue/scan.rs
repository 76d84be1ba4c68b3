//! Numbers and level lists, whichever of the scanner's ways they take, against the exact decimals.

use _core::cex::venues::scan::{Cursor, Grid, Grids, LARGEST};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn dec(text: &str) -> Decimal {
    Decimal::parse(text.as_bytes()).unwrap()
}

fn grid(step: &str) -> Grid {
    Grid::new(dec(step)).unwrap()
}

fn number(text: &str, step: &str) -> Result<i64, &'static str> {
    let padded = format!("\"{text}\",\"0.000\"],[\"61659.70\",\"0.000\"]]");
    let tight = format!("\"{text}\"");
    let a = Cursor::new(padded.as_bytes()).number(&grid(step));
    let b = Cursor::new(tight.as_bytes()).number(&grid(step));
    assert_eq!(a, b, "the end of the message changes the number {text}");
    a
}

/// Whole steps by the exact decimal; `None` where there are none, or too many.
fn exact(text: &str, step: &str) -> Option<i64> {
    dec(text).steps_of(dec(step)).ok().filter(|n| *n <= LARGEST)
}

#[test]
fn numbers_of_the_venues_own_messages() {
    assert_eq!(number("61496.50", "0.1"), Ok(614_965));
    assert_eq!(number("0.010", "0.001"), Ok(10));
    assert_eq!(number("61837.63000000", "0.01"), Ok(6_183_763));
    assert_eq!(number("1.54698000", "0.00001"), Ok(154_698));
    assert_eq!(number("0.000", "0.001"), Ok(0));
    assert_eq!(number("2313", "1"), Ok(2313));
    assert_eq!(number("621368.70", "0.1"), Ok(6_213_687));
    assert!(number("61837.63000001", "0.01").is_err());
    assert_eq!((number("9007199254740992", "1"), number("9007199254740993", "1").is_err()), (Ok(LARGEST), true));
    for bad in ["", ".", "1.2.3", "1e5", "-1", "NaN", "1,2", "99999999999999999999999", " 1"] {
        assert!(number(bad, "0.1").is_err(), "{bad:?}");
    }
}

const STEPS: [&str; 8] = ["0.1", "0.01", "0.25", "0.00001", "1", "5", "0.5", "0.00000001"];

/// A decimal of any length that the venue may write, on a fine grid often enough to be read.
fn digits() -> impl Strategy<Value = String> {
    (prop_oneof![0u64..10, 0u64..100_000, 0u64..10_000_000_000], "[0-9]{0,10}", 0usize..9).prop_map(
        |(whole, frac, zeros)| match (frac.is_empty(), zeros) {
            (true, 0) => format!("{whole}"),
            (_, z) if z > 0 => format!("{whole}.{}", "0".repeat(z)),
            _ => format!("{whole}.{frac}"),
        },
    )
}

proptest! {
    #[test]
    fn every_number_equals_the_exact_decimal(text in digits(), step in select(STEPS.to_vec())) {
        prop_assert_eq!(number(&text, step).ok(), exact(&text, step));
    }

    #[test]
    fn every_list_of_levels_equals_the_exact_decimals(
        list in prop::collection::vec((digits(), digits()), 0..12),
        (tick, lot) in (select(vec!["0.00000001", "0.0000000001", "0.1"]), select(vec!["0.0000000001", "0.001"])),
        extra: bool,
        tail in select(vec!["", ",\"a\":[]}}", ",\"a\":[[\"61659.80\",\"0.981\"],[\"61659.90\",\"0.002\"]]}}"]),
    ) {
        let extra = if extra { ",[]" } else { "" };
        let each: Vec<String> = list.iter().map(|(p, q)| format!("[\"{p}\",\"{q}\"{extra}]")).collect();
        let text = format!("[{}]{tail}", each.join(","));
        let grids = Grids { price: grid(tick), quantity: grid(lot) };
        let (mut out, mut c) = (Vec::new(), Cursor::new(text.as_bytes()));
        let done = c.levels(&grids, &mut out);
        let want: Option<Vec<Level>> = list
            .iter()
            .map(|(p, q)| Some(Level { px: Ticks(exact(p, tick)?), qty: Lots(exact(q, lot)?) }))
            .collect();
        prop_assert_eq!(done.is_ok(), want.is_some(), "{}", text);
        if let Some(want) = want {
            prop_assert_eq!(out, want);
            prop_assert_eq!(c.at, text.len() - tail.len(), "it stops behind the list");
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let grids = Grids { price: grid("0.1"), quantity: grid("0.001") };
        let _ = Cursor::new(&bytes).levels(&grids, &mut Vec::new());
        let _ = Cursor::new(&bytes).skip();
        let _ = Cursor::new(&bytes).integer();
    }

    #[test]
    fn levels_shaped_bytes_do_not_panic(text in r#"[\[\]",.0-9a ]{0,60}"#) {
        let grids = Grids { price: grid("0.1"), quantity: grid("0.001") };
        let _ = Cursor::new(text.as_bytes()).levels(&grids, &mut Vec::new());
        let _ = Cursor::new(text.as_bytes()).skip();
    }
}
