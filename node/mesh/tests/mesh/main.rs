//! Nodes on loopback, over real sockets.

#![allow(clippy::unwrap_used)]

mod connections;
mod gossip;
mod pulls;
mod restarts;
mod support;
