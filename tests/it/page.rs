//! `report.html` in a real headless Chromium, and as text.

mod browser;
mod demo;
mod hostile;
mod keyboard;
mod large;
mod lead_time;
mod links;
mod narrow;
pub mod small;
