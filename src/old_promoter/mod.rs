//! The promoters that `sapm` replaces: how their merge requests look, and what these move.
//!
//! "SAPM" is the integration `saas-auto-promotions-manager` of qontract-reconcile, "V1" is the event-driven promoter
//! that came before it. Neither names in its merge requests which targets they move, so that is read from the texts of
//! the files before and after.

mod closing;
mod moves;
mod shapes;

pub use closing::closing_reason;
pub use moves::{FileMoves, Move, read_moves};
pub use shapes::{OldKind, ShapeError, Shapes, UserShapes};
