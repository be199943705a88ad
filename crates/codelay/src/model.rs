//! The latency model: a channel as a coroutine that is sent a payload and answers an earlier one.

use std::collections::VecDeque;

use costage::{Coroutine, Result};

/// Answers what was sent to it `delay` sends ago: the course's
///
/// ```python
/// def channel(delay):
///     q = deque(None for _ in range(delay + 1))
///     while True:
///         payload = q.popleft()
///         payload = yield payload
///         q.append(payload)
/// ```
///
/// `None` is no payload: what the first `delay` sends are answered, and what is sent to flush the channel.
///
/// ```
/// let mut channel = codelay::channel(2)?;
/// assert_eq!(channel.send(Some('a'))?, None);
/// assert_eq!(channel.send(Some('b'))?, None);
/// assert_eq!(channel.send(Some('c'))?, Some('a'));
/// assert_eq!(channel.send(None)?, Some('b'));
/// assert_eq!(channel.send(None)?, Some('c'));
/// # Ok::<(), costage::Error>(())
/// ```
///
/// # Errors
///
/// None while the channel is made; a channel that was closed answers [`Finished`](costage::Error::Finished).
pub fn channel<T: 'static>(delay: u64) -> Result<Coroutine<Option<T>, Option<T>>> {
    Coroutine::new(async move |mut co| {
        // Only counted, so that a long channel costs no more than what is in it. Priming takes the one `None` more.
        let mut empty = delay;
        let mut queue = VecDeque::new();
        let mut payload = None;
        loop {
            queue.push_back(co.yield_(payload).await?);
            payload = match empty.checked_sub(1) {
                Some(left) => {
                    empty = left;
                    None
                }
                None => queue.pop_front().flatten(),
            };
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The course's, with its queue as it stands there.
    fn of_the_course(delay: usize, sent: &[Option<u8>]) -> Vec<Option<u8>> {
        let mut queue: VecDeque<Option<u8>> = (0..=delay).map(|_| None).collect();
        let mut answers = Vec::new();
        let _primed = queue.pop_front();
        for &payload in sent {
            queue.push_back(payload);
            answers.push(queue.pop_front().flatten());
        }
        answers
    }

    proptest::proptest! {
        #[test]
        fn it_answers_as_the_course_does(delay in 0_usize..6, sent in proptest::collection::vec(proptest::option::of(0_u8..9), 0..20)) {
            let mut channel = channel(delay as u64).expect("primed");
            let answers: Vec<_> = sent.iter().map(|&payload| channel.send(payload).expect("sent")).collect();
            proptest::prop_assert_eq!(answers, of_the_course(delay, &sent));
        }
    }
}
