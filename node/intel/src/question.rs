//! Questions: what a value that a person typed, defanged or not, may mean, as keys of the index.
//!
//! [`Question::read`] normalises with the same forms as [`crate::observable`], so that what an object says and what is
//! asked always meet.

use std::ops::Range;

use crate::key;
use crate::normal::{self, FORMS, Network};

/// The keys under which a typed value is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    exact: Vec<Vec<u8>>,
    place: Place,
}

/// Where the value stands in what contains and is contained.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Nowhere,
    Network(Network),
    Name(String),
}

impl Question {
    /// Reads what was typed. It never fails; empty text has no keys.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut question = Self { exact: Vec::new(), place: Place::Nowhere };
        for form in FORMS {
            let value = form.apply(text);
            if form != normal::Form::Host {
                question.add_value(&value);
            } else if let Some(network) = Network::parse(&value) {
                question.add(key::of_network(network));
                question.place = Place::Network(network);
            } else if normal::is_name(&value) {
                question.add(key::of_name(&value));
                question.place = Place::Name(value);
            } else {
                question.add_value(&value);
            }
        }
        question
    }

    fn add_value(&mut self, value: &str) {
        if !value.is_empty() {
            self.add(key::of_value(value));
        }
    }

    fn add(&mut self, key: Vec<u8>) {
        if !self.exact.contains(&key) {
            self.exact.push(key);
        }
    }

    /// The keys of the value itself, as each of the things that it may be: usually one to three.
    #[must_use]
    pub fn exact(&self) -> &[Vec<u8>] {
        &self.exact
    }

    /// The keys of what contains the value: every network that holds it, the longest prefix first; the parent domains,
    /// nearest first, down to two labels and never a public suffix such as `co.id`.
    pub fn wider(&self) -> impl Iterator<Item = Vec<u8>> {
        let networks = self.network_lengths().rev().filter_map(|len| self.network(len));
        networks.chain(self.parents().map(key::of_name))
    }

    /// The prefix lengths of the networks among [`Self::wider`]; none for anything but an address or network.
    #[must_use]
    pub fn network_lengths(&self) -> Range<u8> {
        match &self.place {
            Place::Network(network) => 0..network.prefix_len(),
            _ => 0..0,
        }
    }

    /// The key of the one network of this prefix length that holds the value.
    #[must_use]
    pub fn network(&self, prefix_len: u8) -> Option<Vec<u8>> {
        match &self.place {
            Place::Network(network) => network.wider(prefix_len).map(key::of_network),
            _ => None,
        }
    }

    /// The keys of the parent domains among [`Self::wider`].
    fn parents(&self) -> impl Iterator<Item = &str> {
        let name = match &self.place {
            Place::Name(name) => name.as_str(),
            _ => "",
        };
        let parents = std::iter::successors(Some(name), |name| Some(name.split_once('.')?.1)).skip(1);
        parents.take_while(|name| !normal::is_suffix(name))
    }

    /// The keys of what lies inside: addresses and networks in the network, sub-domains of the name; from the first, up
    /// to the second. A public suffix is no name to look below.
    #[must_use]
    pub fn narrower(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        match &self.place {
            Place::Network(network) => key::inside_network(*network),
            Place::Name(name) if !normal::is_suffix(name) => Some(key::below_name(name)),
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
