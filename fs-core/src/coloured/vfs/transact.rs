//! Several changes as one, by paths and handles.

use super::super::colour;
use super::super::vnode::{Step, Transact};
use super::Vfs;
use super::path::finish;
use super::walk::place_file;
use crate::api::Op;
use crate::error::Result;

#[colour]
impl<F: Transact> Vfs<'_, F> {
    /// Carries out all of `ops` in one transaction, or none of them; durable at return. A cut
    /// leaves all or none.
    ///
    /// Paths are as they are before all of it, and no two of `ops` may concern the same name or the
    /// same file. All of them are looked at before anything changes.
    ///
    /// # Errors
    /// Those of each operation alone; [`Error::IsADirectory`] for a directory to rename;
    /// [`Error::Invalid`] for two changes of the same; [`Error::TooManyChanges`] if they do not fit
    /// into one transaction: about 1000 bytes of names, contents and 100 bytes for each change.
    ///
    /// [`Error::IsADirectory`]: crate::error::Error::IsADirectory
    /// [`Error::Invalid`]: crate::error::Error::Invalid
    /// [`Error::TooManyChanges`]: crate::error::Error::TooManyChanges
    pub async fn commit(&self, ops: &[Op<'_>]) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let mut cost = 0_usize;
        for op in ops {
            cost = cost.saturating_add(self.resolve(&mut *filesystem, op, None).await?);
        }
        let mut list = filesystem.begin(cost).await?;
        for op in ops {
            self.resolve(&mut *filesystem, op, Some(&mut list)).await?;
        }
        let committed = filesystem.commit(list).await;
        finish(&mut *filesystem, committed).await
    }

    /// Weighs `op`, or adds it to `list`.
    async fn resolve(
        &self,
        filesystem: &mut F,
        op: &Op<'_>,
        list: Option<&mut F::List>,
    ) -> Result<usize> {
        match *op {
            Op::Commit(id) => {
                let vnode = self.handles.get(id)?.vnode;
                weigh_or_add(filesystem, &Step::Commit(vnode), list).await
            }
            Op::Remove(path) => {
                let (directory, name) = place_file(filesystem, path).await?;
                let done = weigh_or_add(filesystem, &Step::Remove { directory, name }, list).await;
                filesystem.put(directory);
                done
            }
            Op::Rename { from, to } => {
                let (source, old) = place_file(filesystem, from).await?;
                let done = match place_file(filesystem, to).await {
                    Ok((target, new)) => {
                        let step = Step::Rename { from: source, old, to: target, new };
                        let done = weigh_or_add(filesystem, &step, list).await;
                        filesystem.put(target);
                        done
                    }
                    Err(error) => Err(error),
                };
                filesystem.put(source);
                done
            }
        }
    }
}

#[colour]
async fn weigh_or_add<F: Transact>(
    filesystem: &mut F,
    step: &Step<'_>,
    list: Option<&mut F::List>,
) -> Result<usize> {
    match list {
        None => filesystem.weigh(step).await,
        Some(list) => filesystem.add(list, step).await.map(|()| 0),
    }
}
