//! State of pools from logs and from storage, its snapshots, and the journal that unwinds a reorg.
