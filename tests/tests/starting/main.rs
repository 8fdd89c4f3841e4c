//! How a node starts, refuses to start, and stops: an operator learns from one line of stderr what
//! is wrong, and from the exit code that it is.
#![allow(clippy::unwrap_used)]

mod home;
mod refusals;
mod stopping;
