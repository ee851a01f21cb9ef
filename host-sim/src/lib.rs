//! Vellum's simulator.

pub mod chip;
pub mod clock;
pub mod contract;
pub mod exec;
pub mod fault;
pub mod image;
pub mod rng;
