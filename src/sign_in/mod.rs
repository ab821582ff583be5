//! Signing the user in. The flow is the one in the browser; its parts know little of each other: the loopback listener
//! serves HTTP, the pages are text, and only [`browser`] knows that an OAuth answer is awaited.

mod browser;
pub mod cool_down;
mod loopback;
mod pages;

pub use browser::sign_in;
