//! The Tape: the append-only record of Frames, Intents, verdicts and Receipts.
//!
//! A Tape is a directory `NAME.tape/` of segments `000001.seg`, `000002.seg`, … of which every finished one may be
//! compressed (`000001.seg.zst`). Each segment stands alone: it opens with a header that carries the format's version
//! and with a [`Kind::Meta`] record. The bytes are described in [`format`], what can be wrong with them in [`error`].

mod archive;
mod directory;
mod error;
mod format;
mod lock;
mod reader;
mod segment;
mod thread;
mod window;
mod writer;

pub use error::{Flaw, TapeError, Torn};
pub use format::{Head, Kind, MAX_PAYLOAD, Record, VERSION};
pub use reader::TapeReader;
pub use thread::TapeThread;
pub use writer::{TapeOptions, TapeWriter};
