//! The targets of an inventory, and their indexes.

use std::ops::{Index, IndexMut};

use super::target::Target;

/// The index of a target in one inventory. Do not use it with another inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetIx(usize);

impl TargetIx {
    /// The target's position in the inventory, from 0.
    pub fn position(self) -> usize {
        self.0
    }
}

/// Targets in the order of the inventory.
#[derive(Debug, Clone, Default)]
pub struct Targets(Vec<Target>);

impl Targets {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The targets in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Target> {
        self.0.iter()
    }

    /// The targets in order, each with its index.
    pub fn indexed(&self) -> impl Iterator<Item = (TargetIx, &Target)> {
        self.indexes().zip(&self.0)
    }

    /// The indexes in order.
    pub fn indexes(&self) -> impl Iterator<Item = TargetIx> + use<> {
        (0..self.0.len()).map(TargetIx)
    }

    /// Makes room for exactly this many more.
    pub(super) fn reserve(&mut self, more: usize) {
        self.0.reserve_exact(more);
    }

    pub(super) fn push(&mut self, target: Target) -> TargetIx {
        self.0.push(target);
        TargetIx(self.0.len() - 1)
    }

    pub(super) fn last(&self) -> Option<&Target> {
        self.0.last()
    }
}

impl Index<TargetIx> for Targets {
    type Output = Target;

    fn index(&self, index: TargetIx) -> &Target {
        &self.0[index.0]
    }
}

impl IndexMut<TargetIx> for Targets {
    fn index_mut(&mut self, index: TargetIx) -> &mut Target {
        &mut self.0[index.0]
    }
}

impl<'a> IntoIterator for &'a Targets {
    type Item = &'a Target;
    type IntoIter = std::slice::Iter<'a, Target>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
