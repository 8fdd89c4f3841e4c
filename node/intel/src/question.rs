//! Questions: what a value that a person typed, defanged or not, may mean, as keys of the index.
//!
//! [`Question::read`] normalises with the same forms as [`crate::observable`], so that what an object says and what is
//! asked always meet.

use std::ops::Range;

use crate::key;
use crate::normal::{FORMS, Form, Host, Network, Normal, Typed, host, is_suffix, mail, url};

/// The keys under which a typed value is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    exact: Vec<Vec<u8>>,
    place: Option<Place>,
}

/// Where the value stands among what contains and is contained.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    host: Host,
    /// Whether the value is this host, and no URL or mailbox at it.
    itself: bool,
}

impl Question {
    /// Reads what was typed. It never fails; empty text has no keys.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let typed = Typed::new(text);
        let mut question = Self { exact: Vec::new(), place: None };
        question.add_value(typed.raw);
        if typed.refanged() != typed.raw {
            question.add_value(typed.refanged());
        }
        let is_host = question.add_host(typed.refanged());
        // What else the form of hosts reads is a URL; and a bare host is the same as a URL that lacks all the rest.
        let others = FORMS.into_iter().filter(|form| *form != Form::Host && !(is_host && *form == Form::Url));
        for form in others {
            if let Some(normal) = form.read(&typed) {
                question.add_normal(form, &normal);
            }
        }
        question.add_urls(typed.refanged());
        question
    }

    /// Adds the host that the text is; whether it is that and nothing else. Most questions are about hosts.
    fn add_host(&mut self, text: &str) -> bool {
        let Some(host) = host::read(text) else { return false };
        match &host {
            Host::Network(network) => self.add(key::of_network(*network)),
            Host::Name(name) => {
                self.add(key::of_name(name));
                if name != text {
                    self.add_value(name);
                }
            }
        }
        self.place = Some(Place { host, itself: true });
        !text.contains(['/', ':', '?', '#', '@', '['])
    }

    fn add_normal(&mut self, form: Form, normal: &Normal) {
        self.add(key::of(normal.kind.unwrap_or_default(), &normal.value));
        let host = match form {
            Form::Url if normal.value.contains("://") => url::host_of(&normal.value),
            Form::Mail => mail::host_of(&normal.value),
            _ => return,
        };
        if self.place.is_none() {
            self.place = host.map(|host| Place { host, itself: false });
        }
    }

    /// Adds the other URLs that may be meant: the one without its fragment, which no sensor sees; with a scheme, where it is
    /// missing.
    fn add_urls(&mut self, text: &str) {
        let lacks_scheme =
            url::lacks_scheme(text) && Network::parse(text).is_none() && url::read(text).is_some();
        if lacks_scheme {
            for scheme in ["http", "https"] {
                if let Some(normal) = Form::Url.read(&Typed::new(&format!("{scheme}://{text}"))) {
                    self.add_normal(Form::Url, &normal);
                }
            }
        }
        let page = url::without_fragment(text).and_then(|page| Form::Url.read(&Typed::new(page)));
        if let Some(page) = page {
            self.add_normal(Form::Url, &page);
        }
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

    /// The keys of what contains the value: every network that holds the address, the longest prefix first; the parents of
    /// the domain, nearest first, but no public suffix such as `com` or `co.id`. What holds a URL or a mailbox is its host,
    /// and what holds that.
    pub fn wider(&self) -> impl Iterator<Item = Vec<u8>> {
        let networks = self.network_lengths().rev().filter_map(|len| self.network(len));
        networks.chain(self.names())
    }

    /// The keys of the names among [`Self::wider`].
    pub fn names(&self) -> impl Iterator<Item = Vec<u8>> {
        self.wider_names().map(key::of_name)
    }

    /// The prefix lengths of the networks among [`Self::wider`]; none where no address or network was asked for.
    #[must_use]
    pub fn network_lengths(&self) -> Range<u8> {
        match &self.place {
            Some(Place { host: Host::Network(network), itself: true }) => 0..network.prefix_len(),
            Some(Place { host: Host::Network(network), itself: false }) => 0..network.prefix_len() + 1,
            _ => 0..0,
        }
    }

    /// The key of the one network among [`Self::wider`] that has this prefix length.
    #[must_use]
    pub fn network(&self, prefix_len: u8) -> Option<Vec<u8>> {
        let network = self.asked_network().filter(|_| self.network_lengths().contains(&prefix_len));
        network.and_then(|network| network.wider(prefix_len)).map(key::of_network)
    }

    fn asked_network(&self) -> Option<Network> {
        match &self.place {
            Some(Place { host: Host::Network(network), .. }) => Some(*network),
            _ => None,
        }
    }

    fn wider_names(&self) -> impl Iterator<Item = &str> {
        let (name, itself) = match &self.place {
            Some(Place { host: Host::Name(name), itself }) => (Some(name.as_str()), *itself),
            _ => (None, true),
        };
        let names = std::iter::successors(name, |name| Some(name.split_once('.')?.1));
        names.skip(usize::from(itself)).take_while(|name| !is_suffix(name))
    }

    /// The keys of what lies inside: addresses and networks in the network, sub-domains of the name; from the first, up to
    /// the second. Nobody asks for all that lies below a public suffix.
    #[must_use]
    pub fn narrower(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        match self.place.as_ref().filter(|place| place.itself)?.host {
            Host::Network(network) => key::inside_network(network),
            Host::Name(ref name) => (!is_suffix(name)).then(|| key::below_name(name)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
