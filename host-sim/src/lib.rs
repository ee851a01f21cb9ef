//! Vellum's simulator.

pub mod chip;
pub mod cli;
pub mod clock;
pub mod contract;
pub mod drop_futures;
pub mod exec;
pub mod explore;
pub mod fault;
pub mod image;
pub mod job;
pub mod model;
pub mod protocol;
pub mod rng;
pub mod scenario;
pub mod subject;
