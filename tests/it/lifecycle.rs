//! The invariants of merge requests: they never conflict, never double, never
//! lose a promotion. The real code in this process against the fakes.

mod at_once;
mod auto_merge;
mod cases;
mod combinations;
mod config;
mod cut_over;
mod declared;
mod driver;
mod endings;
mod fast_forward;
mod faults;
mod forgery;
mod judge;
mod lab;
mod look;
mod model;
mod moves;
mod pacing;
mod people;
mod places;
mod plans;
mod rare;
mod reasons;
mod render;
mod rules;
mod safety;
mod self_test;
mod shares;
mod side_by_side;
mod sweep;
mod tally;
mod turns;
mod unanswered;
