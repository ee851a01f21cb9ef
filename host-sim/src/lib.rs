//! Vellum's simulator.
