//! The suite's job as one writes it after the Rust SDK's examples: a context per stream, a header at a time, a token
//! bucket in shared data, counters, and a log callback.

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel, MetricType};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const BUCKET: &str = "bucket";
const PER_SECOND: u64 = 1_000_000;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| -> Box<dyn RootContext> { Box::new(Root::default()) });
}}

#[derive(Default, Clone, Copy)]
struct Metrics {
    allowed: u32,
    requests: u32,
    duration: u32,
}

#[derive(Default)]
struct Root {
    metrics: Metrics,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        self.metrics = Metrics {
            allowed: define(MetricType::Counter, "peer_allowed"),
            requests: define(MetricType::Counter, "peer_requests"),
            duration: define(MetricType::Histogram, "peer_duration"),
        };
        true
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Peer { metrics: self.metrics, started: None }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

fn define(kind: MetricType, name: &str) -> u32 {
    hostcalls::define_metric(kind, name).unwrap_or(0)
}

struct Peer {
    metrics: Metrics,
    started: Option<SystemTime>,
}

impl Context for Peer {}

impl HttpContext for Peer {
    fn on_http_request_headers(&mut self, _count: usize, _end: bool) -> Action {
        let now = self.get_current_time();
        self.started = Some(now);
        let route = self
            .get_property(vec!["xds", "route_name"])
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .unwrap_or_default();
        if route == "search" {
            if !self.take(now) {
                self.send_http_response(429, vec![("retry-after", "1")], None);
                return Action::Pause;
            }
            let _ = hostcalls::increment_metric(self.metrics.allowed, 1);
            if self.get_http_request_header("uid").as_deref() == Some("nobody") {
                self.set_http_request_header("x-destination", Some("v3"));
            }
            if self.get_http_request_header("x-fault").as_deref() == Some("on") {
                self.send_http_response(503, vec![], None);
                return Action::Pause;
            }
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        let took = self
            .started
            .and_then(|started| self.get_current_time().duration_since(started).ok())
            .unwrap_or(Duration::ZERO);
        let _status = self.get_property(vec!["response", "code"]);
        let _ = hostcalls::increment_metric(self.metrics.requests, 1);
        let _ = hostcalls::record_metric(self.metrics.duration, took.as_millis() as u64);
    }
}

impl Peer {
    /// A token from the bucket that all workers share: tokens and the time of the last refill, in nanoseconds.
    fn take(&self, now: SystemTime) -> bool {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_nanos() as u64;
        for _ in 0..20 {
            let (value, cas) = self.get_shared_data(BUCKET);
            let (tokens, last) = match value {
                Some(bytes) if bytes.len() == 16 => (read(&bytes[..8]), read(&bytes[8..])),
                _ => (PER_SECOND, now),
            };
            let refilled = now.saturating_sub(last) / (1_000_000_000 / PER_SECOND);
            let tokens = (tokens + refilled).min(PER_SECOND);
            if tokens == 0 {
                return false;
            }
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&(tokens - 1).to_le_bytes());
            bytes[8..].copy_from_slice(&now.to_le_bytes());
            if self.set_shared_data(BUCKET, Some(&bytes), cas).is_ok() {
                return true;
            }
        }
        false
    }
}

fn read(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(bytes);
    u64::from_le_bytes(word)
}
