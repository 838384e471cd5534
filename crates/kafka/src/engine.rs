//! The lanes of a process: started, started again after what passes, ended together.

use crate::EngineError;
use crate::cluster::Cluster;
use crate::framing::Framing;
use crate::job::{Job, LaneSettings};
use crate::lane::{Lane, MAX_RECORDS};
use crate::measures::{Measures, State};
use crate::names::{TIME, changelog};
use crate::{topics, watch};
use hilo_stream::{DeadLetterEncoder, ProcessorError, StoreError, Topology, TopologyError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// Back-off after a failure: doubled each time, up to the greatest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const GREATEST_WAIT: Duration = Duration::from_secs(30);
/// A lane that ran for so long had got over what failed before it: the next failure is the first again.
const SETTLED: Duration = Duration::from_mins(1);

/// What a process is to run.
pub struct Plan {
    /// The whole topology; only `processors` of it run here.
    pub topology: Topology,
    /// Names of processors.
    pub processors: Vec<&'static str>,
    /// Where.
    pub cluster: Cluster,
    /// Contracts of the topics.
    pub framing: Arc<Framing>,
    /// Makes a dead letter.
    pub dead_letter: DeadLetterEncoder,
    /// How lanes work.
    pub settings: LaneSettings,
    /// Where they tell of it.
    pub measures: Arc<Measures>,
}

/// Running lanes.
pub struct Engine {
    stop: Arc<AtomicBool>,
    lanes: Vec<JoinHandle<Result<(), EngineError>>>,
    watch: Option<JoinHandle<()>>,
    ended: Receiver<()>,
}

impl Engine {
    /// Starts the lanes of all processors of the plan.
    pub fn start(plan: &Plan) -> Result<Self, EngineError> {
        let state_dir = plan.settings.state_dir.clone();
        std::fs::create_dir_all(&state_dir).map_err(|source| EngineError::Io {
            doing: format!("making the folder {}", state_dir.display()),
            source,
        })?;
        let there = topics::partitions(&plan.cluster)?;
        let names = plan.topology.topics().iter().map(|topic| topic.name.to_owned());
        let changelogs = plan.topology.processors().iter().map(|spec| changelog(spec.name));
        let partitions = names
            .chain([TIME.to_owned()])
            .chain(changelogs)
            .filter_map(|topic| Some((topic.clone(), *there.get(&plan.cluster.name(&topic))?)))
            .collect();
        let (sender, ended) = channel();
        let mut engine = Self {
            stop: Arc::new(AtomicBool::new(false)),
            lanes: Vec::new(),
            watch: None,
            ended,
        };
        let mut jobs = Vec::new();
        for processor in &plan.processors {
            let spec = plan
                .topology
                .processors()
                .iter()
                .find(|spec| spec.name == *processor)
                .ok_or_else(|| TopologyError::UnknownProcessor((*processor).to_owned()))?;
            let job = Arc::new(Job {
                spec: spec.clone(),
                cluster: plan.cluster.clone(),
                framing: Arc::clone(&plan.framing),
                dead_letter: plan.dead_letter,
                settings: plan.settings.clone(),
                measures: Arc::clone(&plan.measures),
                partitions: Clone::clone(&partitions),
                inputs: Job::inputs(&plan.cluster, &plan.topology, spec),
                outputs: plan
                    .topology
                    .topics()
                    .iter()
                    .map(|topic| (topic.name, plan.cluster.name(topic.name)))
                    .collect(),
                changelog: plan.cluster.name(&changelog(spec.name)),
                time: plan.cluster.name(TIME),
                topology: plan.topology.clone(),
            });
            plan.measures.begin(spec.name);
            for index in 0..plan.settings.lanes.max(1) {
                engine.spawn(Arc::clone(&job), index, sender.clone())?;
            }
            jobs.push(job);
        }
        let stop = Arc::clone(&engine.stop);
        let watch = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || watch::run(&jobs, &stop));
        engine.watch = Some(watch.map_err(|source| EngineError::Io {
            doing: "starting the watch over groups".to_owned(),
            source,
        })?);
        Ok(engine)
    }

    fn spawn(&mut self, job: Arc<Job>, index: usize, ended: Sender<()>) -> Result<(), EngineError> {
        let stop = Arc::clone(&self.stop);
        let lane = std::thread::Builder::new()
            .name(format!("{}-{index}", job.spec.name))
            .spawn(move || {
                // However it ends, whoever waits hears of it.
                let _ended = Ended(ended);
                supervise(&job, index, &stop)
            })
            .map_err(|source| EngineError::Io {
                doing: "starting a lane".to_owned(),
                source,
            })?;
        self.lanes.push(lane);
        Ok(())
    }

    /// Blocks until a lane has ended for good, or `patience` is over; whether one has.
    #[must_use]
    pub fn has_ended(&self, patience: Duration) -> bool {
        !matches!(
            self.ended.recv_timeout(patience),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout)
        )
    }

    /// Lets every lane commit what it has and leave its group; says why one ended before.
    pub fn stop(self) -> Result<(), EngineError> {
        self.stop.store(true, Ordering::Release);
        let mut result = Ok(());
        for lane in self.lanes {
            let ended = lane.join().unwrap_or_else(|_| {
                Err(EngineError::Io {
                    doing: "running a lane".to_owned(),
                    source: std::io::Error::other("its thread panicked: this is a defect of Hilo"),
                })
            });
            result = result.and(ended);
        }
        if let Some(Err(_)) = self.watch.map(JoinHandle::join) {
            tracing::error!("the watch over groups panicked: this is a defect of Hilo");
        }
        result
    }
}

struct Ended(Sender<()>);

impl Drop for Ended {
    fn drop(&mut self) {
        // Nobody listens once the engine is being stopped.
        self.0.send(()).unwrap_or_default();
    }
}

/// Runs a lane, and a new one after each failure that a new start may mend.
fn supervise(job: &Arc<Job>, index: usize, stop: &AtomicBool) -> Result<(), EngineError> {
    // A stable name aborts at once what a predecessor left open; without one a name of our own fences nobody.
    let name = job.settings.instance.clone().unwrap_or_else(|| {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        format!("{}-{:x}", std::process::id(), now.as_nanos())
    });
    let mut next_wait = FIRST_WAIT;
    let mut limit = MAX_RECORDS;
    loop {
        job.measures.pulse(job.spec.name, index, State::Joining);
        let started = Instant::now();
        let result = Lane::start(Arc::clone(job), index, &name, limit).and_then(|mut lane| {
            let result = lane.run(stop);
            limit = lane.limit_after_failure();
            result
        });
        let error = match result {
            Ok(()) => return Ok(()),
            Err(error) if stop.load(Ordering::Acquire) => {
                tracing::warn!(processor = job.spec.name, %error, "a lane could not commit before its end; its input is read again");
                return Ok(());
            }
            // Read wherever state is first looked at, so it is named here.
            Err(EngineError::Processor(ProcessorError::Store(source @ StoreError::Entry { .. }))) => {
                EngineError::Untrusted {
                    changelog: job.changelog.clone(),
                    source,
                }
            }
            Err(error) => error,
        };
        if !error.is_transient() {
            tracing::error!(processor = job.spec.name, lane = index, %error, "a lane ends");
            return Err(error);
        }
        let reason = match &error {
            EngineError::Fenced { .. } => "fenced",
            EngineError::Indeterminate { .. } => "indeterminate",
            EngineError::State(_) => "state",
            EngineError::Processor(_) => "processor",
            _ => "client",
        };
        job.measures.restarts.with_label_values(&[job.spec.name, reason]).inc();
        job.measures.failed(job.spec.name, index, error.to_string());
        // That it got on for a while is no sign: what fails may come at the same place again.
        if started.elapsed() >= SETTLED {
            next_wait = FIRST_WAIT;
        }
        let wait = next_wait;
        next_wait = (wait * 2).min(GREATEST_WAIT);
        tracing::warn!(processor = job.spec.name, lane = index, %error, wait_ms = wait.as_millis() as u64, "a lane starts anew");
        let begun = Instant::now();
        while begun.elapsed() < wait && !stop.load(Ordering::Acquire) {
            job.measures.pulse(job.spec.name, index, State::Joining);
            std::thread::sleep(Duration::from_millis(50));
        }
        if stop.load(Ordering::Acquire) {
            return Ok(());
        }
    }
}
