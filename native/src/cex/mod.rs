//! Books, features, orders and kernels of centralized exchanges.
pub mod book;
pub mod features;
pub mod kernel;
pub mod orders;
pub mod quoter;
pub mod reconcile;
pub mod sync;
pub mod venues;
