//! A command as a target.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, PipeReader, PipeWriter};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use costage::{
    Block, Call, Error, Flow, Pull, Pulled, Reader, Relay, RelaySink, Result, Stage, Waits,
    Written, sink,
};

use crate::change::{Change, Changed};
use crate::child::{Child, Process};
use crate::failure::{Failed, Pauses, Restart};

const SIGPIPE: i32 = 13;
/// A shell's status of a command that died of SIGPIPE.
const SIGPIPE_IN_SHELL: i32 = 128 + SIGPIPE;
/// A branch that may be started again and has closed its input is given so long to end; then it counts as one that
/// reads no more.
const AFTER_ITS_INPUT: Duration = Duration::from_secs(1);

/// A shell command as a stage: it is started with the chain, and what the stage is sent is its standard input.
/// What it prints goes to this process's standard output, unless it is sent [`to`](Branch::to) another stage. The
/// chain ends when the command has.
///
/// A command that stops reading wants no more, which is no error. That it fails is one: an exit status other than
/// those that are [`ok`](Branch::ok), or a signal ([`Failed`]). Use [`guard`](crate::guard) to let the others go on then.
///
/// ```
/// use cobroadcast::{command, merge};
/// use costage::{Source, Stage, broadcast, collect};
///
/// let (text, sink) = collect();
/// let merge = merge(sink);
/// let branches: [Box<dyn Stage>; 2] = [
///     Box::new(command("grep python").to(merge.outlet())),
///     Box::new(command("wc -l").to(merge.outlet())),
/// ];
/// Source::text("python 3\nply\n").drive(merge.of(broadcast(branches)))?;
/// let text = String::from_utf8(text.take()).unwrap();
/// let mut lines: Vec<&str> = text.lines().map(str::trim).collect();
/// lines.sort();
/// assert_eq!(lines, ["2", "python 3"]);
/// # Ok::<(), costage::Error>(())
/// ```
pub fn command(command: impl Into<OsString>) -> Branch {
    let command = command.into();
    Branch {
        name: Arc::from(command.to_string_lossy()),
        command,
        relay: Relay::new(),
        outlet: None,
        outlet_flow: Flow::More,
        ok: vec![0],
        restarts: 0,
        on_restart: Box::new(|_| {}),
        on_change: Box::new(|_| {}),
        state: State::New,
        input: None,
        input_flow: Flow::More,
        input_gone: None,
        output: None,
        output_gone: false,
        closing: false,
        is_last_call: false,
        written: Written::default(),
        process: Process::default(),
        pauses: Pauses::default(),
    }
}

/// A shell command as a stage. Made by [`command`].
pub struct Branch {
    name: Arc<str>,
    command: OsString,
    relay: Relay,
    /// Where its output goes, if not to ours.
    outlet: Option<Box<dyn Stage>>,
    outlet_flow: Flow,
    ok: Vec<i32>,
    /// How often it may still be started again.
    restarts: u64,
    on_restart: Box<dyn FnMut(&Restart)>,
    on_change: Box<dyn FnMut(&Change)>,
    state: State,
    /// Its standard input, until that is closed.
    input: Option<RelaySink<PipeWriter>>,
    input_flow: Flow,
    /// Since when it does not read any more, though there is more.
    input_gone: Option<Instant>,
    /// What it prints, until the end of that.
    output: Option<Reader>,
    /// Nobody wanted what it prints.
    output_gone: bool,
    closing: bool,
    /// A signal has come: nothing is started again.
    is_last_call: bool,
    written: Written,
    process: Process,
    pauses: Pauses,
}

enum State {
    New,
    /// It is to be started then, with this input.
    Pausing {
        until: Instant,
        stdin: PipeReader,
    },
    Running {
        child: Child,
        since: Instant,
    },
    /// It has ended so; its output may not have.
    Exited {
        status: ExitStatus,
        ran: Duration,
    },
    /// All is over.
    Ended,
}

impl Branch {
    /// What messages call it, if not by its command.
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Branch {
        self.name = name.into();
        self
    }

    /// Where what it prints is sent, in blocks of whole lines. A stage that wants no more of it closes the command's
    /// output; that the command dies of SIGPIPE then is no error.
    pub fn to(mut self, outlet: impl Stage + 'static) -> Branch {
        self.outlet = Some(Box::new(outlet));
        self
    }

    /// Its standard input is a sink of this relay.
    pub fn relayed(mut self, relay: &Relay) -> Branch {
        self.relay = relay.clone();
        self
    }

    /// The exit statuses that are no error, instead of 0 alone.
    pub fn ok(mut self, statuses: impl IntoIterator<Item = i32>) -> Branch {
        self.ok = statuses.into_iter().collect();
        self
    }

    /// If it fails before the end of its input, it is started again and gets what follows, so many times at most:
    /// after 0.1 s, and after twice the pause each time it fails again within 10 s. `tell` hears of it.
    pub fn restarted(mut self, at_most: u64, tell: impl FnMut(&Restart) + 'static) -> Branch {
        self.restarts = at_most;
        self.on_restart = Box::new(tell);
        self
    }

    /// `tell` hears when it starts, ends, reads no more, or nobody wants what it prints.
    pub fn watched(mut self, tell: impl FnMut(&Change) + 'static) -> Branch {
        self.on_change = Box::new(tell);
        self
    }

    fn tell(&mut self, what: Changed) {
        let name = Arc::clone(&self.name);
        (self.on_change)(&Change { name, what });
    }

    /// Counts what is written to it in `written`.
    pub fn counted_by(mut self, written: &Written) -> Branch {
        self.written = written.clone();
        self
    }

    /// The process that runs in it.
    pub fn process(&self) -> Process {
        self.process.clone()
    }

    fn spawn_error(&self, error: io::Error) -> Error {
        Error::io(Call::Spawn, Arc::clone(&self.name), error)
    }

    /// Gives it a pipe, whose end it gets when it is started: what comes before waits there.
    fn prepare(&mut self, until: Instant) -> io::Result<()> {
        let (stdin, writer) = io::pipe()?;
        if !self.closing {
            let input = sink(Arc::clone(&self.name), writer);
            self.input = Some(self.relay.sink(input.counted_by(&self.written)));
            self.input_flow = Flow::More;
        }
        self.input_gone = None;
        self.state = State::Pausing { until, stdin };
        Ok(())
    }

    fn start(&mut self, stdin: PipeReader) -> Result<()> {
        let failed = |error| Error::io(Call::Spawn, Arc::clone(&self.name), error);
        let mut output = None;
        if self.outlet.is_some() && !self.output_gone {
            let (reader, writer) = io::pipe().map_err(failed)?;
            self.output = Some(Reader::new(Arc::clone(&self.name), reader)?);
            output = Some(writer);
        }
        let child = Child::start(&self.command, stdin, output, &self.process).map_err(failed)?;
        let since = Instant::now();
        let process = child.number();
        self.state = State::Running { child, since };
        self.tell(Changed::Started(process));
        Ok(())
    }

    /// Begins what is due: the first start, and each after a pause.
    fn begin(&mut self) -> Result<()> {
        if let State::New = self.state {
            self.prepare(Instant::now())
                .map_err(|error| self.spawn_error(error))?;
        }
        let State::Pausing { until, .. } = self.state else {
            return Ok(());
        };
        if until > Instant::now() {
            if self.is_last_call {
                self.state = State::Ended;
                return self.end();
            }
            return Ok(());
        }
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Pausing { stdin, .. } => self.start(stdin).or_else(|error| {
                self.end()?;
                Err(error)
            }),
            _ => Ok(()),
        }
    }

    /// May a failure still be followed by a start?
    fn may_restart(&self) -> bool {
        self.restarts > 0 && !self.closing && !self.is_last_call
    }

    /// How things stand with its input. One that reads no more may be about to fail, and to be started again.
    fn flow(&self) -> Flow {
        let is_ending = |since: Instant| since.elapsed() < AFTER_ITS_INPUT;
        let has_ended = matches!(self.state, State::Ended);
        match self.input_flow {
            Flow::Stop
                if self.may_restart() && !has_ended && self.input_gone.is_some_and(is_ending) =>
            {
                Flow::Full
            }
            flow => flow,
        }
    }

    /// It reads no more.
    fn drop_input(&mut self) {
        if let Some(mut input) = self.input.take() {
            let has_left = input.close().is_err_and(|error| error.is_reader_gone());
            self.input_gone = Some(Instant::now());
            if has_left {
                self.tell(Changed::LeftItsInput);
            }
        }
        self.input_flow = Flow::Stop;
    }

    /// Asks the input for something; it may have ended.
    fn ask_input(
        &mut self,
        ask: impl FnOnce(&mut RelaySink<PipeWriter>) -> Result<Flow>,
    ) -> Result<Flow> {
        match self.input.as_mut().map(ask) {
            None | Some(Ok(Flow::Stop)) => self.drop_input(),
            Some(Ok(flow)) => self.input_flow = flow,
            Some(Err(error)) => {
                self.drop_input();
                if !error.is_reader_gone() {
                    return Err(error);
                }
            }
        }
        Ok(self.flow())
    }

    /// Passes on what it printed.
    fn wake_output(&mut self, waits: &Waits) -> Result<()> {
        let Some(outlet) = &mut self.outlet else {
            return Ok(());
        };
        let mut flow = outlet.wake(waits);
        if let (Ok(Flow::More), Some(output)) = (&flow, &mut self.output) {
            flow = match output.pull(waits) {
                Ok(Pulled::Block(block)) => outlet.send(&block),
                Ok(Pulled::End) => {
                    self.output = None;
                    Ok(Flow::More)
                }
                Ok(Pulled::Partial | Pulled::Wait) => Ok(Flow::More),
                Err(error) => Err(error),
            };
        }
        if self.closing && flow.is_ok() && self.outlet_flow != Flow::Stop {
            // The loop has no more flushes to give.
            flow = outlet.flush();
        }
        self.outlet_flow = *flow.as_ref().unwrap_or(&Flow::Stop);
        if self.outlet_flow == Flow::Stop && self.output.take().is_some() {
            self.output_gone = true;
            self.tell(Changed::LostItsReader);
        }
        flow.map(|_| ())
    }

    /// Does nobody read it any more, or has it got all? A command may leave others behind that read on.
    fn is_input_over(&mut self) -> bool {
        match &mut self.input {
            Some(input) => self.closing && input.idle(),
            None => true,
        }
    }

    /// Has the command ended?
    fn hear_of_its_end(&mut self, waits: &Waits) -> Result<()> {
        let State::Running { child, since } = &mut self.state else {
            return Ok(());
        };
        let ran = since.elapsed();
        match child.ended(waits) {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                self.state = State::Exited { status, ran };
                self.tell(Changed::Ended(status, ran));
                Ok(())
            }
            // It has, and how is not to be known: where SIGCHLD is ignored the system forgets that.
            Err(error) => {
                self.state = State::Ended;
                let error = Error::io(Call::Wait, Arc::clone(&self.name), error);
                self.end().and(Err(error))
            }
        }
    }

    /// When the command, its input and its output have ended: what that means.
    fn settle(&mut self) -> Result<()> {
        let State::Exited { status, ran } = self.state else {
            return Ok(());
        };
        let starts_again = !self.is_ok(status) && self.may_restart();
        if self.output.is_some() || !starts_again && !self.is_input_over() {
            return Ok(());
        }
        self.state = State::Ended;
        if self.is_ok(status) {
            return self.end();
        }
        if !self.may_restart() {
            self.end()?;
            return Err(Error::other(Failed {
                name: Arc::clone(&self.name),
                status,
            }));
        }
        self.restarts -= 1;
        let pause = self.pauses.after(ran);
        self.drop_input();
        (self.on_restart)(&Restart {
            name: Arc::clone(&self.name),
            status,
            pause,
        });
        self.prepare(Instant::now() + pause)
            .map_err(|error| self.spawn_error(error))
    }

    fn is_ok(&self, status: ExitStatus) -> bool {
        // Nobody wanted what it printed, and so it was told.
        let by_us = self.output_gone
            && (status.signal() == Some(SIGPIPE) || status.code() == Some(SIGPIPE_IN_SHELL));
        by_us || status.code().is_some_and(|code| self.ok.contains(&code))
    }

    fn end(&mut self) -> Result<()> {
        self.drop_input();
        self.outlet.as_mut().map_or(Ok(()), Stage::close)
    }
}

impl Stage for Branch {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        // Asked for what it waits for, it would have begun; one that is sent to before that begins now.
        self.begin()?;
        self.ask_input(|input| input.send(block))
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }

    fn flush(&mut self) -> Result<Flow> {
        if let Some(outlet) = &mut self.outlet {
            self.outlet_flow = outlet.flush()?;
        }
        self.ask_input(Stage::flush)
    }

    fn close(&mut self) -> Result<()> {
        let begun = self.begin();
        self.closing = true;
        // Whatever goes wrong with its output: it is to see the end of its input.
        let closed = match self.input.as_mut().map(Stage::close) {
            Some(Err(error)) if !error.is_reader_gone() => Err(error),
            _ => Ok(()),
        };
        // The loop has no more flushes to give.
        let flushed = self.outlet.as_mut().map_or(Ok(Flow::More), Stage::flush);
        self.outlet_flow = *flushed.as_ref().unwrap_or(&Flow::Stop);
        begun.and(closed).and(flushed.map(|_| ()))
    }

    fn throw(&mut self, error: Error) -> Result<()> {
        let _ = self.close();
        Err(error)
    }

    fn waits(&mut self, waits: &mut Waits) {
        self.is_last_call = waits.is_last_call();
        // It may be unable to read on before it is rid of what it prints.
        self.written.excuse_reader(self.outlet_flow == Flow::Full);
        if matches!(self.state, State::Exited { .. })
            && self.output.is_none()
            && self.is_input_over()
        {
            waits.now();
        }
        match &mut self.state {
            // Wakes for it: what goes wrong with the start is told then.
            State::New => waits.now(),
            State::Pausing { .. } if self.is_last_call => waits.now(),
            State::Pausing { until, .. } => waits.until(*until),
            State::Running { child, .. } => child.waits(waits),
            State::Exited { .. } | State::Ended => {}
        }
        if let Some(input) = &mut self.input {
            input.waits(waits);
        }
        if let (Some(since), Flow::Full, None) = (self.input_gone, self.flow(), &self.input) {
            waits.until(since + AFTER_ITS_INPUT);
        }
        if let Some(outlet) = &mut self.outlet {
            outlet.waits(waits);
        }
        if let Some(output) = &mut self.output {
            output.waits(waits, self.outlet_flow == Flow::More);
        }
    }

    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        // It may have come in this wait, and have ended the command, too.
        self.is_last_call = waits.is_last_call();
        self.begin()?;
        // Whatever goes wrong with one of them, the others are looked at, too.
        let fed = self.ask_input(|input| input.wake(waits)).map(|_| ());
        let passed_on = self.wake_output(waits);
        let heard = self.hear_of_its_end(waits);
        let settled = self.settle();
        fed.and(passed_on).and(heard).and(settled)?;
        Ok(self.flow())
    }

    fn idle(&mut self) -> bool {
        matches!(self.state, State::Ended)
            && self.output.is_none()
            && self.outlet.as_mut().is_none_or(Stage::idle)
    }
}

impl fmt::Debug for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Branch")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
