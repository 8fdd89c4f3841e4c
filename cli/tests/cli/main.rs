//! What a person at the keyboard sees of `certmesh` without a node: help, files, tables, errors, exit codes.

#![allow(clippy::unwrap_used)]

mod ceremonies;
mod desk;
mod documents;
mod exits;
mod help;
mod passphrases;
mod values;
mod verify;
