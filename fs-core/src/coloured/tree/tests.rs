//! The tests of the tree.
