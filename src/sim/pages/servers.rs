//! The pages that inference servers serve of themselves. They name no pod: the store's scrape adds its labels.

/// The page of an inference server.
#[derive(Debug)]
pub(in crate::sim) struct ServerPage {
    /// Name of the shipped profile that describes it.
    pub(in crate::sim) profile: &'static str,
    /// The server's usual port.
    pub(in crate::sim) port: u16,
    /// The labels of its series; `None` is the name of the model.
    pub(in crate::sim) labels: &'static [(&'static str, Option<&'static str>)],
    pub(in crate::sim) fields: &'static [ServerField],
    /// Series that other versions of the server have, and this page does not.
    left_out: &'static [&'static str],
}

/// A series of a server.
#[derive(Debug)]
pub(in crate::sim) struct ServerField {
    pub(in crate::sim) name: &'static str,
    /// Which requests it counts.
    pub(in crate::sim) requests: RequestState,
}

/// What becomes of a request at a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum RequestState {
    /// It has a slot.
    Running,
    /// It waits for one.
    Waiting,
}

/// A page as the servers of a platform serve it.
#[derive(Clone, Debug)]
pub(in crate::sim) struct ServedPage {
    pub(in crate::sim) page: &'static ServerPage,
    pub(in crate::sim) port: u16,
    /// Name of the model in labels.
    pub(in crate::sim) model: String,
}

impl ServerPage {
    /// The names of its series, and of those that it is known not to have.
    pub(in crate::sim) fn known_names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|field| field.name).chain(self.left_out.iter().copied())
    }
}

const fn running(name: &'static str) -> ServerField {
    ServerField { name, requests: RequestState::Running }
}

const fn waiting(name: &'static str) -> ServerField {
    ServerField { name, requests: RequestState::Waiting }
}

const VLLM: ServerPage = ServerPage {
    profile: "vllm",
    port: 8000,
    labels: &[("engine", Some("0")), ("model_name", None)],
    fields: &[running("vllm:num_requests_running"), waiting("vllm:num_requests_waiting")],
    left_out: &[],
};

const LLAMA_CPP: ServerPage = ServerPage {
    profile: "llama-cpp",
    port: 8080,
    labels: &[],
    fields: &[running("llamacpp:requests_processing"), waiting("llamacpp:requests_deferred")],
    left_out: &["llamacpp:kv_cache_usage_ratio"],
};

const TGI: ServerPage = ServerPage {
    profile: "tgi",
    port: 80,
    labels: &[],
    fields: &[running("tgi_batch_current_size"), waiting("tgi_queue_size")],
    left_out: &[],
};

const TRITON: ServerPage = ServerPage {
    profile: "triton",
    port: 8002,
    labels: &[("model", None), ("version", Some("1"))],
    fields: &[waiting("nv_inference_pending_request_count")],
    left_out: &[],
};

pub(super) const ALL: [&ServerPage; 4] = [&VLLM, &LLAMA_CPP, &TGI, &TRITON];
