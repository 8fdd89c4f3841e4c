//! What is answered to operators and SOC tools alike, whichever door they come through.

pub(crate) mod check;
