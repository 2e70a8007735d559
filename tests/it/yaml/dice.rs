//! Choices for generated documents.

use proptest::prelude::*;

/// A source of choices that shrinks to the first choice everywhere.
#[derive(Debug)]
pub struct Dice {
    bytes: Vec<u8>,
    next: usize,
}

impl Dice {
    pub fn below(&mut self, n: usize) -> usize {
        let byte = self.bytes.get(self.next).copied().unwrap_or(0);
        self.next += 1;
        usize::from(byte) % n
    }

    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == one_in - 1
    }
}

pub fn dice(most: usize) -> impl Strategy<Value = Dice> {
    proptest::collection::vec(any::<u8>(), 0..most).prop_map(|bytes| Dice { bytes, next: 0 })
}
