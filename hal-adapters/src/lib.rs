//! Drivers for Vellum.
#![no_std]
