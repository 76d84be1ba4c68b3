//! Ways between hubs, kept ready: for each ordered pair of hubs, all ways of two and of three legs whose tokens in between
//! are no hubs, as heaps by log price.
//!
//! A hub has tens of thousands of neighbours, and walking over them is what makes a search slow. All ways with the same
//! two ends are in the same unit, so the best of them are the tops of a heap, and a search reads only as many as it gives.
use rustc_hash::FxHashMap;

use super::net::{NONE, Net};

/// The legs of a way; the third is [`NONE`] where it has two.
pub type Legs = [u32; 3];

#[derive(Clone, Copy, Debug)]
struct Slot {
    legs: Legs,
    heap: u32,
    at: u32,
}

/// A way in a heap.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    pub log_price: f64,
    slot: u32,
}

/// The heaps. A way's place in its heap is known, so that a change of price moves it alone.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    heaps: Vec<Vec<Way>>,
    heap_ids: FxHashMap<(u32, u32, bool), u32>,
    slots: Vec<Slot>,
    slot_ids: FxHashMap<Legs, u32>,
    free: Vec<u32>,
}

impl Ways {
    /// How many ways are kept.
    pub fn len(&self) -> usize {
        self.slot_ids.len()
    }

    /// The ways between two hubs with three legs or with two, as a binary max-heap.
    pub fn heap(&self, from: u32, to: u32, three: bool) -> &[Way] {
        self.heap_ids.get(&(from, to, three)).map_or(&[], |&h| &self.heaps[h as usize])
    }

    pub fn legs(&self, way: Way) -> Legs {
        self.slots[way.slot as usize].legs
    }

    /// Takes over the best prices of a link (either of its legs), in every way that leads over it.
    pub fn refresh(&mut self, net: &Net, leg: u32) {
        each_way(net, leg, |legs| {
            let log_price = legs.iter().filter(|&&l| l != NONE).map(|&l| net.best(l)).sum();
            self.set(net, legs, log_price);
        });
    }

    /// Forgets every way that leads over a link.
    pub fn forget(&mut self, net: &Net, leg: u32) {
        each_way(net, leg, |legs| self.set(net, legs, f64::NEG_INFINITY));
    }

    fn set(&mut self, net: &Net, legs: Legs, log_price: f64) {
        let known = self.slot_ids.get(&legs).copied();
        match (known, log_price.is_finite()) {
            (Some(slot), true) => {
                let Slot { heap, at, .. } = self.slots[slot as usize];
                self.heaps[heap as usize][at as usize].log_price = log_price;
                self.sift(heap, at as usize);
            }
            (Some(slot), false) => self.remove(slot),
            (None, true) => self.insert(net, legs, log_price),
            (None, false) => {}
        }
    }

    fn insert(&mut self, net: &Net, legs: Legs, log_price: f64) {
        let three = legs[2] != NONE;
        let ends = (net.from(legs[0]), net.to(legs[if three { 2 } else { 1 }]), three);
        // As many heaps and slots as memory holds ways: fewer than legs' numbers allow.
        let next = u32::try_from(self.heaps.len()).expect("fewer than 2^32 pairs of hubs");
        let heap = *self.heap_ids.entry(ends).or_insert(next);
        if heap == next {
            self.heaps.push(Vec::new());
        }
        let at = self.heaps[heap as usize].len();
        let entry = Slot { legs, heap, at: at as u32 };
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = entry;
            slot
        } else {
            self.slots.push(entry);
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 ways")
        };
        self.slot_ids.insert(legs, slot);
        self.heaps[heap as usize].push(Way { log_price, slot });
        self.sift(heap, at);
    }

    fn remove(&mut self, slot: u32) {
        let Slot { legs, heap, at } = self.slots[slot as usize];
        let ways = &mut self.heaps[heap as usize];
        ways.swap_remove(at as usize);
        if let Some(moved) = ways.get(at as usize) {
            self.slots[moved.slot as usize].at = at;
            self.sift(heap, at as usize);
        }
        self.slot_ids.remove(&legs);
        self.free.push(slot);
    }

    /// Moves a way to where its price belongs.
    fn sift(&mut self, heap: u32, mut at: usize) {
        let (ways, slots) = (&mut self.heaps[heap as usize], &mut self.slots);
        let moving = ways[at];
        while at > 0 && ways[(at - 1) / 2].log_price < moving.log_price {
            ways[at] = ways[(at - 1) / 2];
            slots[ways[at].slot as usize].at = at as u32;
            at = (at - 1) / 2;
        }
        loop {
            let left = 2 * at + 1;
            let Some(mut child) = ways.get(left).map(|_| left) else { break };
            if ways.get(left + 1).is_some_and(|right| right.log_price > ways[left].log_price) {
                child = left + 1;
            }
            if ways[child].log_price <= moving.log_price {
                break;
            }
            ways[at] = ways[child];
            slots[ways[at].slot as usize].at = at as u32;
            at = child;
        }
        ways[at] = moving;
        slots[moving.slot as usize].at = at as u32;
    }
}

/// Every way, kept or not, that leads over a link in either direction.
fn each_way(net: &Net, leg: u32, mut on: impl FnMut(Legs)) {
    for leg in [leg, leg ^ 1] {
        let (from, to) = (net.from(leg), net.to(leg));
        match (net.is_hub(from), net.is_hub(to)) {
            (true, true) => {}
            (true, false) => {
                for end in net.hubs_near(to).iter().filter(|n| n.token != from) {
                    on([leg, end.leg, NONE]);
                }
                for middle in net.lows_near(to) {
                    for end in net.hubs_near(middle.token).iter().filter(|n| n.token != from) {
                        on([leg, middle.leg, end.leg]);
                    }
                }
            }
            (false, true) => {
                for start in net.hubs_near(from).iter().filter(|n| n.token != to) {
                    on([start.leg ^ 1, leg, NONE]);
                }
                for middle in net.lows_near(from) {
                    for start in net.hubs_near(middle.token).iter().filter(|n| n.token != to) {
                        on([start.leg ^ 1, middle.leg ^ 1, leg]);
                    }
                }
            }
            (false, false) => {
                for start in net.hubs_near(from) {
                    for end in net.hubs_near(to).iter().filter(|n| n.token != start.token) {
                        on([start.leg ^ 1, leg, end.leg]);
                    }
                }
            }
        }
    }
}
