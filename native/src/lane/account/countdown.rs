//! The venue's dead-man switch (USD-M `countdownCancelAll`): armed while orders rest, said again at a quarter of its
//! time, disarmed once none rests. While the connection for orders is down it is not said again: what cannot be managed
//! is better cancelled by the venue.

use super::{Account, MS};
use crate::event::{Ask, InstrumentId, Side};
use crate::lane::Lane;

impl Account {
    fn refresh_ns(&self) -> i64 {
        self.rules.countdown_ms.map_or(i64::MAX, |ms| (i64::from(ms) * MS / 4).max(MS))
    }

    /// An order goes out in the instrument.
    pub(super) fn arm(&mut self, instrument: InstrumentId, now_ns: i64) {
        let Some(ms) = self.rules.countdown_ms else { return };
        if let Some(armed) = self.armed.get_mut(usize::from(instrument))
            && !std::mem::replace(armed, true)
        {
            self.asks.forget(instrument, is_countdown);
            self.asks.want(instrument, Ask::Countdown { ms });
            self.arm_ns.push_back((now_ns + self.refresh_ns(), instrument));
        }
    }
}

impl Account {
    /// Whether a countdown that was not answered is still what is wanted.
    pub(super) fn wants_countdown(&self, instrument: InstrumentId, ms: u32) -> bool {
        self.armed.get(usize::from(instrument)).is_some_and(|armed| *armed == (ms > 0))
    }
}

fn is_countdown(ask: Ask) -> bool {
    matches!(ask, Ask::Countdown { .. })
}

impl Lane {
    pub(in crate::lane) fn on_countdown(&mut self) {
        let now_ns = self.now_ns;
        let Some(desk) = &mut self.desk else { return };
        let Some(account) = &mut desk.account else { return };
        let Some(ms) = account.rules.countdown_ms else { return };
        while let Some((_, id)) = account.arm_ns.front().copied().filter(|(due_ns, _)| *due_ns <= now_ns) {
            account.arm_ns.pop_front();
            let rests = [Side::Buy, Side::Sell].into_iter().any(|side| desk.orders.side(id, side).next().is_some());
            account.asks.forget(id, is_countdown);
            if !rests {
                account.armed[usize::from(id)] = false;
                account.asks.want(id, Ask::Countdown { ms: 0 });
                continue;
            }
            if account.up[0] {
                account.asks.want(id, Ask::Countdown { ms });
            }
            account.arm_ns.push_back((now_ns + account.refresh_ns(), id));
        }
    }
}
