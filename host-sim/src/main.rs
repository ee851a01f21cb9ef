//! Vellum's simulator.
fn main() {}
