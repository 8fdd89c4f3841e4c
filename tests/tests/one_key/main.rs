//! One node key must not sign one place of its log twice: not when its data folder comes back from a
//! backup, and when it runs twice, every node finds it out.
#![allow(clippy::unwrap_used)]

mod backup;
mod copies;
