//! All ways one operation can go: a string of choices, run again until none is left untried.

/// The choices of one run. A replayed prefix decides first, then always the first alternative.
#[derive(Default)]
pub(super) struct Choices {
    /// (taken, out of how many)
    path: Vec<(u8, u8)>,
    position: usize,
}

impl Choices {
    /// Repeats a run exactly.
    pub fn repeating(path: &[(u8, u8)]) -> Self {
        Self { path: path.to_vec(), position: 0 }
    }

    /// One of `0..alternatives`.
    pub fn pick(&mut self, alternatives: u8) -> u8 {
        if self.position == self.path.len() {
            self.path.push((0, alternatives));
        }
        let (taken, of) = self.path[self.position];
        assert_eq!(of, alternatives, "a repeated run asks the same questions");
        self.position += 1;
        taken
    }

    /// What was taken so far in this run.
    pub fn taken(&self) -> &[(u8, u8)] {
        &self.path[..self.position]
    }

    /// Moves on to the next untried run; `false` when there is none.
    pub fn advance(&mut self) -> bool {
        self.path.truncate(self.position);
        self.position = 0;
        while let Some((taken, of)) = self.path.pop() {
            if taken + 1 < of {
                self.path.push((taken + 1, of));
                return true;
            }
        }
        false
    }
}
