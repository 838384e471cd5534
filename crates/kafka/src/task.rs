//! One processor at one partition: its executor and its state.

use crate::EngineError;
use crate::job::Job;
use hilo_stream::{
    Changes, DeadLetterEncoder, Executor, ProcessorError, ProcessorSpec, StoreError, StoreName, TaskState, Topology,
};
use std::path::Path;

pub(crate) struct Task {
    pub(crate) executor: Executor,
    /// `None` for a processor without stores.
    state: Option<TaskState>,
}

impl Task {
    /// Opens the local copy of the state; it may be behind.
    pub(crate) fn open(job: &Job, partition: i32) -> Result<Self, EngineError> {
        Self::with(
            &job.topology,
            &job.spec,
            job.dead_letter,
            &job.settings.state_dir,
            partition,
        )
    }

    pub(crate) fn with(
        topology: &Topology,
        spec: &ProcessorSpec,
        dead_letter: DeadLetterEncoder,
        folder: &Path,
        partition: i32,
    ) -> Result<Self, EngineError> {
        let executor = Executor::one(topology, spec.name, dead_letter)?;
        let state = if spec.stores.is_empty() {
            None
        } else {
            Some(TaskState::open(
                &folder.join(format!("{}-{partition}.db", spec.name)),
                spec,
            )?)
        };
        Ok(Self { executor, state })
    }

    pub(crate) fn names(&self) -> &[StoreName] {
        self.state.as_ref().map_or(&[], TaskState::names)
    }

    /// Where the local copy stands in the changelog; `None` without state.
    pub(crate) fn position(&self) -> Result<Option<i64>, EngineError> {
        Ok(self.state.as_ref().map(TaskState::position).transpose()?)
    }

    /// Committed entries by store.
    pub(crate) fn entries(&self) -> Result<Vec<(&'static str, u64)>, EngineError> {
        let Some(state) = &self.state else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for name in state.names() {
            let mut count = 0;
            if let Some(backend) = state.backend(*name) {
                backend
                    .scan(&[], &mut |_, _| count += 1)
                    .map_err(|source| StoreError::Backend {
                        store: name.store,
                        source,
                    })
                    .map_err(ProcessorError::from)?;
            }
            all.push((name.store, count));
        }
        Ok(all)
    }

    /// The version of an entry that another release wrote; `None`: there is none.
    pub(crate) fn other_version(&self) -> Result<Option<u8>, EngineError> {
        Ok(self.state.as_ref().map(TaskState::other_version).transpose()?.flatten())
    }

    /// Takes in entries of the changelog.
    pub(crate) fn restore(&mut self, changes: &[(StoreName, Changes)], position: i64) -> Result<(), EngineError> {
        if let Some(state) = &mut self.state {
            state.apply(changes, position)?;
        }
        Ok(())
    }

    /// Gives the processor what is committed, and forgets everything else.
    pub(crate) fn attach(&mut self) -> Result<(), EngineError> {
        self.executor.discard()?;
        if let Some(state) = &self.state {
            for (name, store) in self.executor.stores_mut() {
                if let Some(backend) = state.backend(name) {
                    store.attach(backend).map_err(ProcessorError::from)?;
                }
            }
        }
        Ok(())
    }

    /// A fresh processor with what is committed.
    pub(crate) fn renew(&mut self, job: &Job) -> Result<(), EngineError> {
        self.executor = Executor::one(&job.topology, job.spec.name, job.dead_letter)?;
        self.attach()
    }

    /// Whether state changed since the last commit.
    pub(crate) fn is_dirty(&mut self) -> bool {
        self.executor.stores_mut().iter().any(|(_, store)| store.is_dirty())
    }

    /// What changed since the last commit, taken as committed.
    pub(crate) fn drain(&mut self) -> Result<Vec<(StoreName, Changes)>, EngineError> {
        let mut all = Vec::new();
        for (name, store) in self.executor.stores_mut() {
            let mut entries = Changes::new();
            store
                .drain_dirty(&mut |(key, value)| entries.push((key.into(), value)))
                .map_err(ProcessorError::from)?;
            all.push((name, entries));
        }
        Ok(all)
    }
}
